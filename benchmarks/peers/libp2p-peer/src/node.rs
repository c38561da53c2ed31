// SPDX-License-Identifier: MIT OR Apache-2.0
//! A libp2p node over TCP, Noise and Yamux: in components by libp2p-wasi-sockets over wstd, natively
//! by libp2p-tcp over tokio on one thread.
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use libp2p_core::Transport;
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_core::transport::Boxed;
use libp2p_core::upgrade::Version;
use libp2p_identity::{Keypair, PeerId};
use libp2p_swarm::{NetworkBehaviour, Swarm};

pub use platform::{block_on, spawn};

#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p_swarm::derive_prelude")]
pub struct Behaviour {
    pub ping: libp2p_ping::Behaviour,
    pub stream: libp2p_stream::Behaviour,
}

pub fn swarm() -> Swarm<Behaviour> {
    const NEVER: Duration = Duration::from_secs(24 * 3600);
    let key = Keypair::generate_ed25519();
    let peer = key.public().to_peer_id();
    let executor = |task: Pin<Box<dyn Future<Output = ()> + Send>>| spawn(task);
    let config =
        libp2p_swarm::Config::with_executor(executor).with_idle_connection_timeout(NEVER);
    let behaviour = Behaviour {
        ping: libp2p_ping::Behaviour::new(libp2p_ping::Config::new().with_interval(NEVER)),
        stream: libp2p_stream::Behaviour::new(),
    };
    Swarm::new(transport(&key), behaviour, peer, config)
}

fn transport(key: &Keypair) -> Boxed<(PeerId, StreamMuxerBox)> {
    platform::tcp()
        .upgrade(Version::V1Lazy)
        .authenticate(libp2p_noise::Config::new(key).unwrap())
        .multiplex(libp2p_yamux::Config::default())
        .timeout(Duration::from_secs(20))
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}

#[cfg(not(target_arch = "wasm32"))]
mod platform {
    use super::Future;

    pub fn tcp() -> libp2p_tcp::tokio::Transport {
        libp2p_tcp::tokio::Transport::new(libp2p_tcp::Config::default().nodelay(true))
    }

    pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(task);
    }

    pub fn block_on(task: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(task)
    }
}

#[cfg(target_arch = "wasm32")]
mod platform {
    use std::task::{Context, Poll};

    use libp2p_core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
    use libp2p_core::{Multiaddr, Transport};
    use libp2p_wasi_sockets::{Error, WasiTcpStream, WasiTcpTransport};

    use super::{Future, Pin};

    /// The crate's future of a dial, which is not `Send`, as `boxed` asks for. A component has one
    /// thread.
    pub struct Dial(<WasiTcpTransport as Transport>::Dial);

    unsafe impl Send for Dial {}

    impl Future for Dial {
        type Output = Result<WasiTcpStream, Error>;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            self.0.as_mut().poll(context)
        }
    }

    pub struct Tcp(WasiTcpTransport);

    impl Transport for Tcp {
        type Output = WasiTcpStream;
        type Error = Error;
        type ListenerUpgrade = <WasiTcpTransport as Transport>::ListenerUpgrade;
        type Dial = Dial;

        fn listen_on(
            &mut self,
            id: ListenerId,
            address: Multiaddr,
        ) -> Result<(), TransportError<Error>> {
            self.0.listen_on(id, address)
        }

        fn remove_listener(&mut self, id: ListenerId) -> bool {
            self.0.remove_listener(id)
        }

        fn dial(
            &mut self,
            address: Multiaddr,
            options: DialOpts,
        ) -> Result<Dial, TransportError<Error>> {
            self.0.dial(address, options).map(Dial)
        }

        fn poll(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<TransportEvent<Self::ListenerUpgrade, Error>> {
            Pin::new(&mut self.0).poll(context)
        }
    }

    pub fn tcp() -> Tcp {
        Tcp(WasiTcpTransport::default())
    }

    pub fn spawn(task: impl Future<Output = ()> + 'static) {
        wstd::runtime::spawn(task).detach();
    }

    pub fn block_on(task: impl Future<Output = ()>) {
        wstd::runtime::block_on(task)
    }
}
