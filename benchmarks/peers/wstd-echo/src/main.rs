// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP echo over wstd, a task for each connection. Bytes go through the guest's memory, as they do
//! in the servers it is compared with; wstd's own `copy` splices.
//! usage: wstd-echo ADDR:PORT
use wstd::io::{self, AsyncRead, AsyncWrite};
use wstd::iter::AsyncIterator;
use wstd::net::{TcpListener, TcpStream};

const BUFFER: usize = 64 * 1024;

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count]).await?;
    }
}

#[wstd::main]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("ADDR:PORT");
    let listener = TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    let mut incoming = listener.incoming();
    while let Some(stream) = incoming.next().await {
        let Ok(stream) = stream else { continue };
        wstd::runtime::spawn(async move {
            let _ = serve(stream).await;
        })
        .detach();
    }
    Ok(())
}
