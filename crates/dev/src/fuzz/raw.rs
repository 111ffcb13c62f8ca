//! Saying what a client says, at once or slowly, and listening or not.

use std::time::Duration;

use rand::{Rng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::{Target, frames, verdict};

/// How long a client stays that has said everything.
const STAY: Duration = Duration::from_millis(300);
/// How long a slow writer takes for a byte, and how many it writes.
const SLOWLY: Duration = Duration::from_millis(20);
const SLOW_BYTES: usize = 60;

pub(crate) async fn send(target: &Target, random: &mut StdRng) -> Result<String, String> {
    let (what, bytes) = frames::hostile(random, &target.token);
    let Ok(mut stream) = TcpStream::connect(target.address).await else {
        return Ok("refused".to_owned());
    };
    if random.random_bool(0.05) {
        for byte in bytes.iter().take(SLOW_BYTES) {
            // It may be hung up on at any time.
            let _ = stream.write_all(&[*byte]).await;
            time::sleep(SLOWLY).await;
        }
        return Ok("a slow writer".to_owned());
    }
    let listens = random.random_bool(0.8);
    let mut heard = Vec::new();
    let (mut from, mut to) = stream.split();
    let exchanged = time::timeout(STAY, async {
        let listening = async {
            if listens {
                let _ = from.read_to_end(&mut heard).await;
            } else {
                time::sleep(STAY).await;
            }
        };
        let (_, ()) = tokio::join!(to.write_all(&bytes), listening);
    });
    // Most are hung up on, or left.
    let _ = exchanged.await;
    verdict::judge_text(&heard)
        .map(|answer| format!("{what}: {answer}"))
        .map_err(|wrong| format!("{what}: {wrong}"))
}
