//! What a client says first: messages without a tag.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::fields::{Fields, invalid};

const CANCEL: i32 = 80_877_102;
const TLS: i32 = 80_877_103;
const GSSAPI: i32 = 80_877_104;

/// As long as the server accepts.
const MAX_LENGTH: usize = 10_000;

/// What the connection is for.
pub(crate) enum Startup {
    Cancel { packet: Bytes },
    Session { packet: Bytes, user: String, database: String },
}

/// Reads it, and refuses each kind of encryption that is asked for before.
pub(crate) async fn read(client: &mut TcpStream) -> io::Result<Startup> {
    loop {
        let packet = packet(client).await?;
        let mut fields = Fields(packet.clone());
        fields.0.advance(size_of::<i32>());
        match fields.int()? {
            TLS | GSSAPI => client.write_all(b"N").await?,
            CANCEL => return Ok(Startup::Cancel { packet }),
            _ => return session(packet, fields),
        }
    }
}

async fn packet(client: &mut TcpStream) -> io::Result<Bytes> {
    let mut packet = BytesMut::zeroed(size_of::<i32>());
    client.read_exact(&mut packet).await?;
    let length = packet.clone().get_i32();
    let length = usize::try_from(length).ok().filter(|it| (8..=MAX_LENGTH).contains(it));
    packet.resize(length.ok_or_else(|| invalid("a start's length makes no sense"))?, 0);
    client.read_exact(&mut packet[size_of::<i32>()..]).await?;
    Ok(packet.freeze())
}

fn session(packet: Bytes, mut fields: Fields) -> io::Result<Startup> {
    let (mut user, mut database) = (String::new(), None);
    loop {
        let name = fields.text()?;
        if name.is_empty() {
            break;
        }
        let value = fields.text()?;
        match name.as_str() {
            "user" => user = value,
            "database" => database = Some(value),
            _ => {}
        }
    }
    let database = database.unwrap_or_else(|| user.clone());
    Ok(Startup::Session { packet, user, database })
}
