//! What Redis itself has counted: read past the queue, so that the queue does not judge itself.

use std::collections::HashSet;

use anyhow::{Context as _, Result};

use super::Crew;

impl Crew {
    /// Jobs that are done, each counted once.
    pub fn done(&self) -> Result<u64> {
        self.number("return tostring(redis.call('ZCARD', '{test/0}:finished'))")
    }

    /// Outcomes that were accepted, by their word. The script that ends an attempt counts in the same step.
    pub fn accepted(&self, outcome: &str) -> Result<u64> {
        self.number(&format!(
            "local sum = 0
            for _, key in ipairs(redis.call('KEYS', '{{test/0}}:minute:*')) do
                local all = redis.call('HGETALL', key)
                for i = 1, #all, 2 do
                    if string.sub(all[i], -{length}) == '|{outcome}' then sum = sum + tonumber(all[i + 1]) end
                end
            end
            return string.format('%d', sum)",
            length = outcome.len() + 1
        ))
    }

    /// The tokens of all leases that are in force.
    pub fn leased(&self) -> HashSet<String> {
        let script = "return table.concat(redis.call('HVALS', '{test/0}:running'), '\\n')";
        let held = self.redis.script(script);
        let tokens = held.lines().filter_map(|lease| lease.split(' ').next());
        tokens.map(str::to_owned).collect()
    }

    fn number(&self, script: &str) -> Result<u64> {
        let text = self.redis.script(script);
        text.parse()
            .with_context(|| format!("`{text}` is no number"))
    }
}
