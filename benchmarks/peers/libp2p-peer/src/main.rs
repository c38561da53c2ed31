// SPDX-License-Identifier: MIT OR Apache-2.0
//! A libp2p listener that answers /ipfs/ping/1.0.0, /perf/1.0.0 and /bench/echo/1.0.0.
//! usage: libp2p-peer PORT
mod node;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p_swarm::{Stream, StreamProtocol, SwarmEvent};
use node::{block_on, spawn, swarm};

const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");
const ECHO: StreamProtocol = StreamProtocol::new("/bench/echo/1.0.0");
const BUFFER: usize = 64 * 1024;

async fn perf(mut stream: Stream) -> std::io::Result<()> {
    let mut wanted = [0; 8];
    stream.read_exact(&mut wanted).await?;
    let mut left = u64::from_be_bytes(wanted);
    let mut buffer = vec![0; BUFFER];
    while stream.read(&mut buffer).await? > 0 {}
    while left > 0 {
        let count = left.min(BUFFER as u64);
        stream.write_all(&buffer[..count as usize]).await?;
        left -= count;
    }
    stream.close().await
}

async fn echo(mut stream: Stream) -> std::io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return stream.close().await;
        }
        stream.write_all(&buffer[..count]).await?;
        stream.flush().await?;
    }
}

fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("PORT");
    block_on(async move {
        let mut swarm = swarm();
        let own_id = *swarm.local_peer_id();
        let mut control = swarm.behaviour().stream.new_control();
        let mut perfs = control.accept(PERF).unwrap();
        let mut echoes = control.accept(ECHO).unwrap();
        spawn(async move {
            while let Some((_, stream)) = perfs.next().await {
                spawn(async move {
                    let _ = perf(stream).await;
                });
            }
        });
        spawn(async move {
            while let Some((_, stream)) = echoes.next().await {
                spawn(async move {
                    let _ = echo(stream).await;
                });
            }
        });
        let address = format!("/ip4/127.0.0.1/tcp/{port}");
        swarm.listen_on(address.parse().unwrap()).expect("a free port");
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                println!("listening on {address}/p2p/{own_id}");
            }
        }
    })
}
