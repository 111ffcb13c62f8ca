//! Compiles every `.proto` of the `tertulia.v1` package, without needing `protoc`.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

/// What goes over NATS, and is not for clients.
const INTERNAL: &str = "tertulia/v1/queue.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=tertulia");

    let files: Vec<PathBuf> = fs::read_dir("tertulia/v1")?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()?;
    let descriptors = protox::compile(files, ["."])?;
    #[expect(clippy::disallowed_methods, reason = "what Cargo tells a build script")]
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let mut api = descriptors.clone();
    api.file.retain(|file| file.name() != INTERNAL);
    fs::write(out_dir.join("tertulia_v1.bin"), api.encode_to_vec())?;

    tonic_prost_build::configure()
        .bytes(".tertulia.v1.ImportTableRequest.data")
        .boxed(".tertulia.v1.RunEvent.event.final")
        .compile_fds(descriptors)?;
    Ok(())
}
