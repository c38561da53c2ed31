// SPDX-License-Identifier: MIT OR Apache-2.0
//! TLS echo over rustls, a task for each connection: in components over wstd, natively over tokio on
//! one thread. It has the benchmarks' identity and issues no tickets, so each handshake is a full
//! one. usage: rustls-echo ADDR:PORT
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection};

#[cfg(feature = "ring")]
use rustls::crypto::ring::default_provider as provider;
#[cfg(not(feature = "ring"))]
use rustls_rustcrypto::provider;

#[cfg(not(target_arch = "wasm32"))]
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
#[cfg(not(target_arch = "wasm32"))]
use tokio::net::{TcpListener, TcpStream};
#[cfg(target_arch = "wasm32")]
use wstd::io::{AsyncRead as _, AsyncWrite as _};
#[cfg(target_arch = "wasm32")]
use wstd::iter::AsyncIterator as _;
#[cfg(target_arch = "wasm32")]
use wstd::net::{TcpListener, TcpStream};

const BUFFER: usize = 64 * 1024;

type Result<Value> = std::result::Result<Value, Box<dyn Error + Send + Sync>>;

fn config() -> Arc<ServerConfig> {
    let certificate = include_bytes!("../../../tls/certificate.pem");
    let key = include_bytes!("../../../tls/key.pem");
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

/// What a connection holds between its reads.
struct Session {
    tls: ServerConnection,
    plain: Vec<u8>,
    out: Vec<u8>,
}

impl Session {
    /// Takes what has come and leaves what is to be sent in `out`. True when the peer has closed.
    fn take(&mut self, mut come: &[u8]) -> Result<bool> {
        let mut closed = false;
        while !come.is_empty() && !closed {
            self.tls.read_tls(&mut come)?;
            let taken = self.tls.process_new_packets().map(|_| ());
            if taken.is_ok() {
                closed = self.echo()?;
            }
            while self.tls.wants_write() {
                self.tls.write_tls(&mut self.out)?; // of a failure: the alert
            }
            taken?;
        }
        Ok(closed)
    }

    fn echo(&mut self) -> std::io::Result<bool> {
        loop {
            match self.tls.reader().read(&mut self.plain) {
                Ok(0) => {
                    self.tls.send_close_notify();
                    return Ok(true);
                }
                Ok(count) => self.tls.writer().write_all(&self.plain[..count])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

async fn serve(mut stream: TcpStream, config: Arc<ServerConfig>) -> Result<()> {
    let mut tls = ServerConnection::new(config)?;
    tls.set_buffer_limit(None);
    let mut session = Session { tls, plain: vec![0; BUFFER], out: Vec::with_capacity(BUFFER) };
    let mut cipher = vec![0; BUFFER];
    loop {
        let count = stream.read(&mut cipher).await?;
        if count == 0 {
            return Ok(());
        }
        let taken = session.take(&cipher[..count]);
        stream.write_all(&session.out).await?;
        session.out.clear();
        if taken? {
            return Ok(());
        }
    }
}

fn address() -> String {
    std::env::args().nth(1).expect("ADDR:PORT")
}

#[cfg(target_arch = "wasm32")]
#[wstd::main]
async fn main() -> std::io::Result<()> {
    let config = config();
    let listener = TcpListener::bind(&address()).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut incoming = listener.incoming();
    while let Some(stream) = incoming.next().await {
        let Ok(stream) = stream else { continue };
        let config = config.clone();
        wstd::runtime::spawn(async move {
            let _ = serve(stream, config).await;
        })
        .detach();
    }
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
        let config = config();
        let listener = TcpListener::bind(address()).await?;
        println!("listening on {}", listener.local_addr()?);
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            tokio::spawn(serve(stream, config.clone()));
        }
    })
}
