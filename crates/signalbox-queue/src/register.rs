//! Small records under a name that several processes read and change: subscriptions, the state of routes.
//!
//! A change is compare-and-swap on the text that was read, so nobody overwrites what they have not seen.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Queue, QueueError, keys, scripts};

/// The records of one kind.
#[derive(Debug, Clone)]
pub struct Register {
    queue: Queue,
    kind: &'static str,
}

impl Queue {
    /// The records of `kind`.
    pub fn register(&self, kind: &'static str) -> Register {
        Register {
            queue: self.clone(),
            kind,
        }
    }

    /// Counts something refused under `what` and keeps it among the newest 100 samples, cut at 2 KiB.
    /// Returns how often it has happened.
    pub async fn keep_sample(&self, what: &str, sample: &[u8]) -> Result<u64, QueueError> {
        let home = self.home();
        let mut call = home.call(&scripts::KEEP_SAMPLE);
        call.arg(what)
            .arg(&sample[..sample.len().min(2048)])
            .arg(100);
        home.invoke(&call).await
    }

    /// How often each thing was refused.
    pub async fn refused(&self) -> Result<Vec<(String, u64)>, QueueError> {
        let key = keys::refused(&self.home().prefix);
        redis::cmd("HGETALL")
            .arg(key)
            .query_async(&mut self.inner.link.shared())
            .await
            .map_err(QueueError::Redis)
    }
}

impl Register {
    /// The record called `name`.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, QueueError> {
        let text = self.text(name).await?;
        text.map(|text| self.read(&text)).transpose()
    }

    /// All records with their names.
    pub async fn list<T: DeserializeOwned>(&self) -> Result<Vec<(String, T)>, QueueError> {
        let all: Vec<(String, String)> = redis::cmd("HGETALL")
            .arg(self.key())
            .query_async(&mut self.queue.inner.link.shared())
            .await
            .map_err(QueueError::Redis)?;
        let read = |(name, text): (String, String)| Ok((name, self.read(&text)?));
        all.into_iter().map(read).collect()
    }

    /// Changes the record called `name`: `change` is given what is there and returns what shall be there.
    /// It is called again when somebody else was faster. Returns what is there in the end.
    pub async fn update<T, F>(&self, name: &str, mut change: F) -> Result<Option<T>, QueueError>
    where
        T: Serialize + DeserializeOwned,
        F: FnMut(Option<T>) -> Option<T>,
    {
        loop {
            let old = self.text(name).await?;
            let record = old.as_deref().map(|text| self.read(text)).transpose()?;
            let new = change(record);
            let text = new.as_ref().map(|new| self.write(new)).transpose()?;
            let old = old.unwrap_or_default();
            let text = text.unwrap_or_default();
            if old == text || self.swap(name, &old, &text).await? {
                return Ok(new);
            }
        }
    }

    async fn swap(&self, name: &str, old: &str, new: &str) -> Result<bool, QueueError> {
        let home = self.queue.home();
        let mut call = home.call(&scripts::SWAP_RECORD);
        call.arg(self.kind).arg(name).arg(old).arg(new);
        home.invoke(&call).await
    }

    async fn text(&self, name: &str) -> Result<Option<String>, QueueError> {
        redis::cmd("HGET")
            .arg(self.key())
            .arg(name)
            .query_async(&mut self.queue.inner.link.shared())
            .await
            .map_err(QueueError::Redis)
    }

    fn key(&self) -> String {
        keys::register(&self.queue.home().prefix, self.kind)
    }

    fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, QueueError> {
        serde_json::from_str(text).map_err(|source| self.unreadable(source))
    }

    fn write<T: Serialize>(&self, record: &T) -> Result<String, QueueError> {
        serde_json::to_string(record).map_err(|source| self.unreadable(source))
    }

    fn unreadable(&self, source: serde_json::Error) -> QueueError {
        QueueError::Payload {
            queue: self.kind.to_owned(),
            source,
        }
    }
}
