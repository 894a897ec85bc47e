//! What is in a Redis, held against the table of keys.

use std::collections::BTreeSet;

use signalbox_queue::KEY_FAMILIES;

use crate::RedisServer;

const KINDS: &str = "local kinds = {} \
    for _, key in ipairs(redis.call('KEYS', '{*}:*')) do \
      kinds[string.match(key, '^{[^}]*}:([^:]*)') .. ' ' .. redis.call('TYPE', key).ok] = true end \
    local out = {} \
    for kind in pairs(kinds) do out[#out + 1] = kind end \
    return table.concat(out, ',')";

/// Kinds of keys in `redis`, each a family and its type, that the table of keys does not have.
pub fn unknown_keys(redis: &RedisServer) -> BTreeSet<String> {
    let kinds = redis.script(KINDS);
    let known = KEY_FAMILIES.map(|(family, kind)| format!("{family} {kind}"));
    let kinds = kinds.split(',').filter(|kind| !kind.is_empty());
    kinds
        .map(str::to_owned)
        .filter(|kind| !known.contains(kind))
        .collect()
}
