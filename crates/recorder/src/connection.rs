//! One client's connection, and the one to the server that belongs to it.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    try_join,
};

use crate::{
    conversation::Conversation,
    log::Log,
    startup::{self, Startup},
};

pub(crate) async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    log: Arc<Log>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let startup = startup::read(&mut client).await?;
    let mut server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    match startup {
        Startup::Cancel { packet } => {
            server.write_all(&packet).await?;
            copy_bidirectional(&mut client, &mut server).await.map(|_| ())
        }
        Startup::Session { packet, user, database } => {
            server.write_all(&packet).await?;
            converse(client, server, Conversation::new(log, user, database)).await
        }
    }
}

async fn converse(
    client: TcpStream,
    server: TcpStream,
    conversation: Conversation,
) -> io::Result<()> {
    let conversation = Mutex::new(conversation);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asking = forward(from_client, to_server, |it| locked(&conversation).hear_client(it));
    let answering = forward(from_server, to_client, |it| locked(&conversation).hear_server(it));
    try_join!(asking, answering).map(|_| ())
}

fn locked(conversation: &Mutex<Conversation>) -> MutexGuard<'_, Conversation> {
    conversation.lock().expect("noting does not panic")
}

/// Notes each piece, then passes it on.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    note: impl Fn(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = BytesMut::with_capacity(64 * 1024);
    while from.read_buf(&mut piece).await? != 0 {
        note(&piece)?;
        to.write_all(&piece).await?;
        piece.clear();
    }
    to.shutdown().await
}
