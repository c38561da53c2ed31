// SPDX-License-Identifier: MIT OR Apache-2.0
// client.mjs OPTIONS: a client of node:tls that sends standard input, prints what comes back, and
// tells of the connection on stderr. OPTIONS is JSON: those of tls.connect with names of files for
// cert, key and ca; `times`, to connect as often, each time with the session before; and `session`,
// not to be given.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const options = JSON.parse(process.argv[2]);
for (const name of ['cert', 'key', 'ca']) {
    if (options[name]) options[name] = readFileSync(options[name]);
}
const input = readFileSync(0);

function once(session) {
    return new Promise((resolve, reject) => {
        let next = session; // of TLS 1.2 it may be good for more than one
        const peer = tls.connect({ ...options, session, allowHalfOpen: true }, () => {
            console.error(JSON.stringify({
                version: peer.getProtocol(),
                cipher: peer.getCipher().standardName,
                resumed: peer.isSessionReused(),
                alpn: peer.alpnProtocol,
                group: peer.getEphemeralKeyInfo()?.name,
                peer: peer.getPeerCertificate()?.subject?.CN,
            }));
            peer.end(input);
        });
        peer.on('session', kept => { next = kept; });
        peer.on('data', part => process.stdout.write(part));
        peer.on('end', () => resolve(next));
        peer.on('error', reject);
    });
}

try {
    let session;
    for (let i = 0; i < (options.times ?? 1); ++i) session = await once(session);
} catch (error) {
    console.error('failed:', error.code, error.message);
    process.exitCode = 1;
}
