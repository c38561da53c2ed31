// SPDX-License-Identifier: MIT OR Apache-2.0
// server.mjs OPTIONS: a server of node:tls that echoes, and tells of each connection on a line.
// OPTIONS is JSON: those of tls.createServer with names of files for cert, key and ca; and `cut`,
// to close the transport without closing TLS.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';

const options = JSON.parse(process.argv[2]);
for (const name of ['cert', 'key', 'ca']) {
    if (options[name]) options[name] = readFileSync(options[name]);
}
const server = tls.createServer({ ...options, allowHalfOpen: true }, peer => {
    console.log(JSON.stringify({
        version: peer.getProtocol(),
        cipher: peer.getCipher().standardName,
        resumed: peer.isSessionReused(),
        alpn: peer.alpnProtocol,
        name: peer.servername,
        peer: peer.getPeerCertificate()?.subject?.CN,
    }));
    if (options.cut) {
        const written = new Promise(done => peer.write('not all of it', done));
        peer.resume(); // unread bytes would make it a reset
        peer.on('end', async () => {
            await written;
            peer._parent?.destroy() ?? peer.destroy();
        });
    } else {
        peer.pipe(peer);
    }
    peer.on('error', error => console.log('failed:', error.code));
});
server.on('tlsClientError', error => console.log('failed:', error.code));
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
