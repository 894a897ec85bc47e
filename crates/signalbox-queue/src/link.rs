//! The connection to Redis: one that is shared and reconnects by itself, and fresh ones for waiting.
//!
//! A command that fails is not repeated here: only its caller knows whether that is safe.

use std::{fmt, time::Duration};

use redis::{
    AsyncConnectionConfig, Client,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};

use crate::QueueError;

/// No answer within this time counts as a fault of the connection.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest pause between two attempts to reconnect.
const MAX_RECONNECT_DELAY: Duration = Duration::from_millis(500);

/// A way to one Redis server.
#[derive(Clone)]
pub(crate) struct Link {
    client: Client,
    shared: ConnectionManager,
}

impl Link {
    /// A link to `url`. Nothing is sent yet, so the server may still be away.
    pub(crate) fn open(url: &str) -> Result<Self, QueueError> {
        let address = |source| QueueError::Address {
            url: without_password(url),
            source,
        };
        let client = Client::open(url).map_err(address)?;
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_min_delay(Duration::from_millis(10))
            .set_max_delay(MAX_RECONNECT_DELAY)
            .set_number_of_retries(2);
        let shared = client
            .get_connection_manager_lazy(config)
            .map_err(address)?;
        Ok(Self { client, shared })
    }

    /// The shared connection; commands of many tasks are pipelined on it.
    pub(crate) fn shared(&self) -> ConnectionManager {
        self.shared.clone()
    }

    /// A connection of one's own, for a command that blocks for up to `longest`.
    pub(crate) async fn waiting(
        &self,
        longest: Duration,
    ) -> redis::RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(longest + RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(CONNECT_TIMEOUT));
        self.client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

/// The address with what stands before the `@` left out.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Link;

    #[test]
    fn an_address_that_cannot_be_read_is_reported_without_its_password() {
        let error = Link::open("http://me:hunter2@host")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("host") && !error.contains("hunter2"),
            "{error}"
        );
    }
}
