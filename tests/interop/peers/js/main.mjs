// SPDX-License-Identifier: MIT OR Apache-2.0
// A node of js-libp2p to test against; ../README.md says what it understands.
import './with_resolvers.mjs'

import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify, identifyPush } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const ECHO = '/echo/1.0.0'
const PERF = '/perf/1.0.0'
const RESET = '/reset/1.0.0'
const SLOW = '/slow/1.0.0'
const CHANGE = '/change/1.0.0'
const PUSHED = '/pushed/1.0.0'
const MANY = { maxInboundStreams: 2000, maxOutboundStreams: 2000 }
const PATIENCE = 60_000

const keyKinds = {
  ed25519: () => generateKeyPair('Ed25519'),
  secp256k1: () => generateKeyPair('secp256k1'),
  rsa: () => generateKeyPair('RSA', 2048)
}

async function newNode (kind, addresses) {
  const node = await createLibp2p({
    privateKey: await keyKinds[kind](),
    addresses: { listen: addresses },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: async () => false },
    connectionManager: { inboundConnectionThreshold: 1e9, maxIncomingPendingConnections: 1000 },
    services: {
      identify: identify({ agentVersion: 'copoll-test-js' }),
      push: identifyPush(),
      ping: ping()
    }
  })
  // what peers speak, each time they say so: when they are asked, and when they push it
  node.addEventListener('peer:identify', ({ detail: told }) => {
    console.log(`peer-protocols ${told.peerId} ${told.protocols.join(' ')}`)
  })
  return node
}

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Sends all, as fast as the stream takes it. */
async function send (stream, bytes) {
  const step = 64 * 1024
  for (let at = 0; at < bytes.length; at += step) {
    if (!stream.send(bytes.subarray(at, at + step))) await stream.onDrain()
  }
}

/** What comes until the peer ends. */
async function receive (stream) {
  const parts = []
  for await (const part of stream) parts.push(part.subarray())
  return Buffer.concat(parts)
}

async function echo (stream) {
  for await (const part of stream) {
    if (!stream.send(part)) await stream.onDrain()
  }
  await stream.close()
}

async function perf (stream) {
  let head = Buffer.alloc(0)
  for await (const part of stream) {
    if (head.length < 8) head = Buffer.concat([head, part.subarray()])
  }
  await send(stream, Buffer.alloc(Number(head.readBigUInt64BE(0))))
  await stream.close()
}

/** Aborts after the first byte. */
async function reset (stream) {
  for await (const part of stream) {
    if (part.byteLength > 0) break
  }
  stream.abort(new Error('as was asked for'))
}

/** Reads nothing for a while, then echoes. */
async function slow (stream) {
  stream.pause()
  await pause(3000)
  stream.resume()
  await echo(stream)
}

async function listen (kind) {
  const node = await newNode(kind, ['/ip4/127.0.0.1/tcp/0'])
  const handle = (protocol, handler) => node.handle(protocol, stream => {
    handler(stream).catch(error => {
      console.error(`${protocol}: ${error.message}`)
      stream.abort(error)
    })
  }, MANY)
  await handle(ECHO, echo)
  await handle(PERF, perf)
  await handle(RESET, reset)
  await handle(SLOW, slow)
  console.log(`READY ${node.getMultiaddrs()[0]}`)
  process.stdin.resume()
  await new Promise(resolve => process.stdin.on('end', resolve))
  await node.stop()
}

async function echoTest (connection, size) {
  const stream = await connection.newStream(ECHO, MANY)
  const sent = randomBytes(size)
  const got = receive(stream)
  await send(stream, sent)
  await stream.close()
  if (!(await got).equals(sent)) throw new Error('the bytes came back changed')
}

const tests = {
  ping: async (node, connection) => {
    for (let i = 0; i < 3; ++i) await node.services.ping.ping(connection.remotePeer)
  },
  identify: async (node, connection, n, identified) => {
    const told = await identified
    console.log(`agent: ${told.agentVersion}\nprotocols: [${told.protocols.join(' ')}]`)
    console.log(`addresses: [${told.listenAddrs.join(' ')}]\nobserved: ${told.observedAddr}`)
    if (told.protocols.length === 0) throw new Error('the peer told nothing about itself')
  },
  echo: (node, connection, n) => echoTest(connection, n),
  'half-close': async (node, connection) => {
    const size = 100_000
    const stream = await connection.newStream(PERF, MANY)
    const wanted = Buffer.alloc(8)
    wanted.writeBigUInt64BE(BigInt(size))
    const got = receive(stream)
    stream.send(wanted)
    await stream.close()
    if ((await got).length !== size) throw new Error(`${(await got).length} bytes came`)
  },
  reset: async (node, connection) => {
    const stream = await connection.newStream(RESET, MANY)
    const closed = new Promise(resolve => stream.addEventListener('close', resolve))
    stream.send(Buffer.alloc(1))
    try {
      await receive(stream)
    } catch {}
    await closed
    if (stream.status !== 'reset') throw new Error(`not a reset: ${stream.status}`)
  },
  streams: async (node, connection, n) => {
    await Promise.all(Array.from({ length: n }, () => echoTest(connection, 1000)))
  },
  slow: async (node, connection) => {
    const size = 4 * 1024 * 1024
    const stream = await connection.newStream(SLOW, MANY)
    stream.maxWriteBufferLength = 2 * size
    const got = receive(stream)
    await send(stream, Buffer.alloc(size))
    await stream.close()
    if ((await got).length !== size) throw new Error(`${(await got).length} bytes came back`)
  },
  push: async node => {
    await node.handle(PUSHED, stream => stream.close())
    await pause(1000)
  },
  pushed: async (node, connection, n, identified) => {
    if ((await identified).protocols.includes(PUSHED)) {
      throw new Error('the peer has changed before it was asked to')
    }
    const told = new Promise((resolve, reject) => {
      node.addEventListener('peer:identify', event => {
        if (event.detail.protocols.includes(PUSHED)) resolve()
      })
      setTimeout(reject, PATIENCE, new Error('the peer has not said so')).unref()
    })
    const stream = await connection.newStream(CHANGE, MANY)
    const answer = receive(stream)
    await stream.close()
    await answer
    await told
  }
}

async function dial (kind, address, wanted) {
  const node = await newNode(kind, [])
  const identified = new Promise(resolve => {
    node.addEventListener('peer:identify', event => resolve(event.detail))
  })
  const to = multiaddr(address)
  const connection = await node.dial(to, { signal: AbortSignal.timeout(PATIENCE) })
  const id = to.getComponents().find(c => c.name === 'p2p')?.value
  if (id !== undefined && !connection.remotePeer.equals(peerIdFromString(id))) {
    throw new Error('another peer than the one dialled')
  }
  for (const test of wanted) {
    const [name, value] = test.split(':')
    if (!(name in tests)) throw new Error(`no such test: ${name}`)
    await tests[name](node, connection, Number(value), identified).catch(error => {
      throw new Error(`${test}: ${error.stack}`)
    })
    console.log(`OK ${test}`)
  }
  await node.stop()
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { key: { type: 'string', default: 'ed25519' } }
})
try {
  const [verb, address, ...wanted] = positionals
  if (verb === 'listen') await listen(values.key)
  else if (verb === 'dial' && address) await dial(values.key, address, wanted)
  else throw new Error('usage: main.mjs [--key KIND] listen | dial ADDR TEST...')
  process.exit(0)
} catch (error) {
  console.error(`peer: ${error.message}`)
  process.exit(1)
}
