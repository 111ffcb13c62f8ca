//! Receiving a file in pieces.

use std::{fs::File, io::Seek as _};

use anyhow::Context as _;
use proto::v1::{ImportTableRequest, import_table_request::Part};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tonic::{Status, Streaming};

use crate::Error;

/// Writes what is received to a temporary file without a name, which goes when
/// it is closed, and returns it at its beginning; with what becomes of `hash`, which
/// it is added to.
pub(super) async fn receive(
    mut stream: Streaming<ImportTableRequest>,
    max_bytes: u64,
    mut hash: Sha256,
) -> Result<(File, [u8; 32]), Status> {
    let file = tempfile::tempfile().context("a temporary file can be made").map_err(Error::from)?;
    let mut file = tokio::io::BufWriter::new(tokio::fs::File::from_std(file));
    let mut received = 0;
    while let Some(ImportTableRequest { part }) = stream.message().await? {
        let Some(Part::Data(data)) = part else {
            return Err(Error::invalid("part", "must be data after the first message").into());
        };
        received += data.len() as u64;
        if max_bytes < received {
            return Err(Error::ImportTooLarge { max_bytes }.into());
        }
        hash.update(&data);
        file.write_all(&data).await.context("writing a temporary file").map_err(Error::from)?;
    }
    file.flush().await.context("writing a temporary file").map_err(Error::from)?;

    let mut file = file.into_inner().into_std().await;
    file.rewind().context("rewinding a temporary file").map_err(Error::from)?;
    Ok((file, hash.finalize().into()))
}
