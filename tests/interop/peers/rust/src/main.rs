// SPDX-License-Identifier: MIT OR Apache-2.0

//! A node of rust-libp2p to test against; ../README.md says what it understands.

use std::{error::Error, io, time::Duration};

use futures::{
    AsyncReadExt, AsyncWriteExt, StreamExt, TryStreamExt, future, stream::FuturesUnordered,
};
use libp2p::{
    Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, identify, identity::Keypair,
    multiaddr::Protocol, noise, ping, swarm::NetworkBehaviour, swarm::SwarmEvent, tcp, yamux,
};
use libp2p_stream as streams;
use rand::RngCore;
use tokio::time::{sleep, timeout};

type Failure = Box<dyn Error + Send + Sync>;

const ECHO: StreamProtocol = StreamProtocol::new("/echo/1.0.0");
const PERF: StreamProtocol = StreamProtocol::new("/perf/1.0.0");
const RESET: StreamProtocol = StreamProtocol::new("/reset/1.0.0");
const SLOW: StreamProtocol = StreamProtocol::new("/slow/1.0.0");
const CHANGE: StreamProtocol = StreamProtocol::new("/change/1.0.0");
const PUSHED: StreamProtocol = StreamProtocol::new("/pushed/1.0.0");
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    streams: streams::Behaviour,
}

fn new_key(kind: &str) -> Result<Keypair, Failure> {
    Ok(match kind {
        "ed25519" => Keypair::generate_ed25519(),
        "secp256k1" => Keypair::generate_secp256k1(),
        "ecdsa" => Keypair::generate_ecdsa(),
        _ => return Err(format!("no kind of key: {kind}").into()),
    })
}

fn new_swarm(kind: &str) -> Result<Swarm<Behaviour>, Failure> {
    Ok(SwarmBuilder::with_existing_identity(new_key(kind)?)
        .with_tokio()
        .with_tcp(
            tcp::Config::default().nodelay(true),
            noise::Config::new,
            yamux::Config::default,
        )?
        .with_behaviour(|key| Behaviour {
            identify: identify::Behaviour::new(
                identify::Config::new("copoll-test/1.0.0".into(), key.public())
                    .with_agent_version("copoll-test-rust".into())
                    .with_push_listen_addr_updates(true),
            ),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(Duration::from_millis(50))),
            streams: streams::Behaviour::new(),
        })?
        .with_swarm_config(|c| c.with_idle_connection_timeout(PATIENCE))
        .build())
}

/// Says what a peer speaks, each time it does: when it is asked, and when it pushes that.
fn tell_protocols(event: &SwarmEvent<BehaviourEvent>) {
    if let SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
        peer_id,
        info,
        ..
    })) = event
    {
        let spoken: Vec<&str> = info.protocols.iter().map(AsRef::as_ref).collect();
        println!("peer-protocols {peer_id} {}", spoken.join(" "));
    }
}

async fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return stream.close().await;
        }
        stream.write_all(&buffer[..n]).await?;
    }
}

async fn perf(mut stream: Stream) -> io::Result<()> {
    let mut head = [0; 8];
    stream.read_exact(&mut head).await?;
    futures::io::copy(&mut stream, &mut futures::io::sink()).await?;
    let wanted = futures::io::repeat(0).take(u64::from_be_bytes(head));
    futures::io::copy(wanted, &mut stream).await?;
    stream.close().await
}

/// Aborts after the first byte: a stream that is dropped unfinished is reset.
async fn reset(mut stream: Stream) -> io::Result<()> {
    stream.read_exact(&mut [0]).await
}

/// Reads nothing for a while, then echoes.
async fn slow(stream: Stream) -> io::Result<()> {
    sleep(Duration::from_secs(3)).await;
    echo(stream).await
}

fn serve<F>(control: &mut streams::Control, protocol: StreamProtocol, handle: fn(Stream) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let incoming = control.accept(protocol).expect("registered once");
    tokio::spawn(incoming.for_each_concurrent(None, move |(_, stream)| async move {
        let _ = handle(stream).await; // the other side says what was wrong
    }));
}

async fn listen(kind: &str) -> Result<(), Failure> {
    let mut swarm = new_swarm(kind)?;
    let mut control = swarm.behaviour().streams.new_control();
    serve(&mut control, ECHO, echo);
    serve(&mut control, PERF, perf);
    serve(&mut control, RESET, reset);
    serve(&mut control, SLOW, slow);
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    let id = *swarm.local_peer_id();
    let (mut input, mut nowhere) = (tokio::io::stdin(), tokio::io::sink());
    let ended = tokio::io::copy(&mut input, &mut nowhere);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            _ = &mut ended => return Ok(()),
            event = swarm.select_next_some() => {
                tell_protocols(&event);
                if let SwarmEvent::NewListenAddr { address, .. } = event {
                    println!("READY {address}/p2p/{id}");
                }
            }
        }
    }
}

async fn echo_test(mut control: streams::Control, to: PeerId, size: usize) -> Result<(), Failure> {
    let stream = control.open_stream(to, ECHO).await?;
    let mut sent = vec![0; size];
    rand::thread_rng().fill_bytes(&mut sent);
    let (mut from, mut into) = stream.split();
    let mut got = Vec::new();
    let write = async {
        into.write_all(&sent).await?;
        into.close().await
    };
    future::try_join(write, from.read_to_end(&mut got)).await?;
    if got != sent {
        return Err(format!("{} bytes came back changed, of {size}", got.len()).into());
    }
    Ok(())
}

async fn half_close(mut control: streams::Control, to: PeerId) -> Result<(), Failure> {
    const SIZE: usize = 100_000;
    let mut stream = control.open_stream(to, PERF).await?;
    stream.write_all(&(SIZE as u64).to_be_bytes()).await?;
    stream.close().await?;
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await?;
    if got.len() != SIZE {
        return Err(format!("{} bytes came after the end of the request", got.len()).into());
    }
    Ok(())
}

async fn reset_test(mut control: streams::Control, to: PeerId) -> Result<(), Failure> {
    let mut stream = control.open_stream(to, RESET).await?;
    stream.write_all(&[1]).await?;
    stream.flush().await?;
    // yamux here tells a reset as the end of the stream; what tells them apart is that it takes
    // nothing more
    let _ = stream.read_to_end(&mut Vec::new()).await;
    match stream.write_all(&[2]).await {
        Err(_) => Ok(()),
        Ok(()) => Err("not a reset: the stream takes data".into()),
    }
}

async fn slow_test(mut control: streams::Control, to: PeerId) -> Result<(), Failure> {
    const SIZE: usize = 4 << 20;
    let (mut from, mut into) = control.open_stream(to, SLOW).await?.split();
    let mut got = Vec::new();
    let write = async {
        into.write_all(&vec![0; SIZE]).await?;
        into.close().await
    };
    future::try_join(write, from.read_to_end(&mut got)).await?;
    if got.len() != SIZE {
        return Err(format!("{} bytes came back", got.len()).into());
    }
    Ok(())
}

/// Has the peer change its protocols, of which it tells by identify push.
async fn change(mut control: streams::Control, to: PeerId) -> Result<(), Failure> {
    let mut stream = control.open_stream(to, CHANGE).await?;
    stream.close().await?;
    stream.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

/// What the swarm was told meanwhile.
#[derive(Default)]
struct Heard {
    connected: bool,
    identified: Option<identify::Info>,
    pings: usize,
}

impl Heard {
    fn speaks(&self, protocol: &StreamProtocol) -> bool {
        self.identified.as_ref().is_some_and(|info| info.protocols.contains(protocol))
    }

    fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) -> Result<(), Failure> {
        tell_protocols(&event);
        match event {
            SwarmEvent::ConnectionEstablished { .. } => self.connected = true,
            SwarmEvent::OutgoingConnectionError { error, .. } => return Err(error.into()),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                info,
                ..
            })) => self.identified = Some(info),
            SwarmEvent::Behaviour(BehaviourEvent::Ping(e)) => {
                e.result?;
                self.pings += 1;
            }
            _ => {}
        }
        Ok(())
    }
}

async fn run(
    swarm: &mut Swarm<Behaviour>,
    heard: &mut Heard,
    to: PeerId,
    test: &str,
) -> Result<(), Failure> {
    let control = swarm.behaviour().streams.new_control();
    let (name, value) = test.split_once(':').unwrap_or((test, "0"));
    let n = value.parse()?;
    let work: future::BoxFuture<Result<(), Failure>> = match name {
        "ping" => {
            while heard.pings < 3 {
                heard.hear(swarm.select_next_some().await)?;
            }
            return Ok(());
        }
        "identify" => {
            while heard.identified.is_none() {
                heard.hear(swarm.select_next_some().await)?;
            }
            let info = heard.identified.as_ref().expect("just heard");
            println!("agent: {}\nprotocols: {:?}", info.agent_version, info.protocols);
            println!("addresses: {:?}\nobserved: {}", info.listen_addrs, info.observed_addr);
            return Ok(());
        }
        "push" => {
            swarm.add_external_address("/ip4/127.0.0.1/tcp/4001".parse()?);
            swarm.behaviour_mut().identify.push([to]);
            Box::pin(async { Ok(sleep(Duration::from_secs(1)).await) })
        }
        "pushed" => {
            if heard.identified.is_none() || heard.speaks(&PUSHED) {
                return Err("the peer was not asked, or changed before it was told to".into());
            }
            let asked = change(control, to);
            tokio::pin!(asked);
            loop {
                tokio::select! {
                    done = &mut asked => { done?; break }
                    event = swarm.select_next_some() => heard.hear(event)?,
                }
            }
            while !heard.speaks(&PUSHED) {
                heard.hear(swarm.select_next_some().await)?;
            }
            return Ok(());
        }
        "echo" => Box::pin(echo_test(control, to, n)),
        "half-close" => Box::pin(half_close(control, to)),
        "reset" => Box::pin(reset_test(control, to)),
        "slow" => Box::pin(slow_test(control, to)),
        "streams" => Box::pin(async move {
            let all: FuturesUnordered<_> =
                (0..n).map(|_| echo_test(control.clone(), to, 1000)).collect();
            all.try_collect::<Vec<()>>().await.map(drop)
        }),
        _ => return Err(format!("no such test: {test}").into()),
    };
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            event = swarm.select_next_some() => heard.hear(event)?,
        }
    }
}

async fn dial(kind: &str, address: &str, tests: &[String]) -> Result<(), Failure> {
    let address: Multiaddr = address.parse()?;
    let Some(Protocol::P2p(to)) = address.iter().last() else {
        return Err("an address without a peer id".into());
    };
    let mut swarm = new_swarm(kind)?;
    let mut heard = Heard::default();
    swarm.dial(address)?;
    while !heard.connected {
        heard.hear(swarm.select_next_some().await)?;
    }
    for test in tests {
        timeout(PATIENCE, run(&mut swarm, &mut heard, to, test))
            .await
            .map_err(|_| format!("{test}: no end in sight"))?
            .map_err(|e| format!("{test}: {e}"))?;
        println!("OK {test}");
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut kind = "ed25519".to_string();
    if args.len() > 1 && args[0] == "--key" {
        kind = args.remove(1);
        args.remove(0);
    }
    let done = match args.first().map(String::as_str) {
        Some("listen") if args.len() == 1 => listen(&kind).await,
        Some("dial") if args.len() > 1 => dial(&kind, &args[1], &args[2..]).await,
        _ => Err("usage: peer [--key KIND] listen | dial ADDR TEST...".into()),
    };
    if let Err(e) = done {
        eprintln!("peer: {e}");
        std::process::exit(1);
    }
}
