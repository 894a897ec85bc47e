//! Reads an answer's body up to a limit, so that no answer can fill the memory.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};

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

/// Whether this is a page of HTML, whatever it was said to be.
pub(crate) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let said = headers.get(header::CONTENT_TYPE);
    let said = said.is_some_and(|said| said.as_bytes().starts_with(b"text/html"));
    let begun = body.trim_ascii_start();
    let begins = |with: &[u8]| {
        begun
            .get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    said || begins(b"<!doctype html") || begins(b"<html")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header};

    use super::is_page;

    #[test]
    fn a_page_is_known_by_its_type_or_by_its_beginning() {
        let none = HeaderMap::new();
        for page in [
            "<html><body>",
            "\r\n <!DOCTYPE HTML>\n<head>",
            "<HTML lang=en>",
        ] {
            assert!(is_page(&none, page.as_bytes()), "{page}");
        }
        for data in ["", "{}", "[]", "<edmx:Edmx>", "\"<html>\""] {
            assert!(!is_page(&none, data.as_bytes()), "{data}");
        }
        let mut html = HeaderMap::new();
        html.insert(
            header::CONTENT_TYPE,
            "text/html; charset=utf-8".parse().unwrap(),
        );
        assert!(is_page(&html, b"We will be back soon"));
    }
}
