//! Reads an answer's body up to a limit, so that no answer can fill the memory.

use bytes::{Bytes, BytesMut};

/// The longest body of an error that is read, in bytes.
pub(crate) const ERROR_LIMIT: usize = 1 << 20;

/// A body, or its beginning.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// True when the body went on after the limit.
    pub(crate) cut: bool,
}

/// Reads at most `limit` bytes.
pub(crate) async fn read(mut response: reqwest::Response, limit: usize) -> reqwest::Result<Body> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return Ok(Body {
                bytes: bytes.freeze(),
                cut: true,
            });
        }
    }
    Ok(Body {
        bytes: bytes.freeze(),
        cut: false,
    })
}
