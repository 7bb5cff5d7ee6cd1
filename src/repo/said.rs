//! What a child process writes to stderr: read to its end, kept in part.
//!
//! Takes the pipe of a child, gives the beginning of what it wrote. A pipe that nobody reads would stop
//! the child in the middle of its work, so what is too much is read too, and dropped. What the words mean
//! is left to others.

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;

/// How much is kept.
const MOST_BYTES: usize = 4096;

/// What a child says. It is read until the pipe ends, whether somebody asks or not.
#[derive(Debug)]
pub struct Said {
    reading: Option<JoinHandle<Vec<u8>>>,
    kept: Vec<u8>,
}

impl Said {
    /// Begins to read; to be called on the runtime.
    pub fn on(stderr: ChildStderr) -> Self {
        Self { reading: Some(tokio::spawn(read(stderr))), kept: Vec::new() }
    }

    /// The beginning of all that it said, once nobody is left who could say more. May be asked again, and
    /// given up in between.
    pub async fn all(&mut self) -> String {
        if let Some(reading) = &mut self.reading {
            // Only the end of the runtime takes the task away; then there are no words.
            self.kept = reading.await.unwrap_or_default();
            self.reading = None;
        }
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

async fn read(mut stderr: ChildStderr) -> Vec<u8> {
    let (mut kept, mut buffer) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        let room = MOST_BYTES.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(&buffer[..room]);
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use tokio::process::{Child, Command};
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn child(script: &str) -> (Child, Said) {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("a shell");
        let stderr = child.stderr.take().expect("stderr is piped");
        (child, Said::on(stderr))
    }

    #[tokio::test]
    async fn what_is_too_much_is_dropped_and_holds_nobody_up() {
        let (mut child, mut said) = child("head -c 1000000 /dev/zero | tr '\\0' x >&2");
        let status = timeout(SOON, child.wait()).await.expect("it is not held up").expect("it ends");
        assert!(status.success());
        assert_eq!(said.all().await, "x".repeat(MOST_BYTES));
    }

    #[tokio::test]
    async fn it_may_be_asked_again_and_given_up_in_between() {
        let (mut child, mut said) = child("printf 'one ' >&2; read line; printf two >&2");
        assert!(timeout(Duration::from_millis(50), said.all()).await.is_err(), "it still speaks");
        drop(child.stdin.take());
        child.wait().await.expect("it ends");
        for _ in 0..2 {
            assert_eq!(said.all().await, "one two");
        }
    }
}
