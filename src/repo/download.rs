//! The answer of a fetch over HTTP, as it comes.
//!
//! Takes a response that was checked, gives its bytes, counted and within the deadline.

use std::sync::Arc;

use reqwest::Response;

use crate::repo::cause::Cause;
use crate::repo::deadline::Deadline;
use crate::repo::error::Error;
use crate::repo::meter::Meter;
use crate::repo::problem::Doing;

/// The answer of a fetch, read piece by piece.
#[derive(Debug)]
pub struct Download {
    repository: Arc<str>,
    response: Response,
    chunk: Vec<u8>,
    at: usize,
}

impl Download {
    /// Takes an answer that was checked.
    pub fn new(repository: &Arc<str>, response: Response) -> Self {
        Self { repository: Arc::clone(repository), response, chunk: Vec::new(), at: 0 }
    }

    /// Reads some bytes; none at the end.
    pub async fn read(
        &mut self,
        buffer: &mut [u8],
        deadline: &Deadline,
        meter: &Meter,
    ) -> Result<usize, Error> {
        while self.at == self.chunk.len() {
            let doing = Doing::Fetching;
            let next = deadline.bound(doing, self.response.chunk()).await?;
            let Some(chunk) = next.map_err(|error| Error::Unreachable {
                repository: self.repository.to_string(),
                doing,
                source: Cause::from(error),
            })?
            else {
                return Ok(0);
            };
            meter.count_pack(chunk.len(), &self.repository)?;
            self.chunk = chunk.to_vec();
            self.at = 0;
        }
        let length = buffer.len().min(self.chunk.len() - self.at);
        buffer[..length].copy_from_slice(&self.chunk[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}
