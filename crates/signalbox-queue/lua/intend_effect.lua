-- Declares an effect before its request is sent.
-- ARGV[3] ref of the effect, [4] ref of the job, [5] token, [6] token of the intent that was looked into and may be taken
--   over, or ''
-- Returns { 'fresh' } (ours now) | { 'lost' } (the caller's lease is gone)
--   | { 'in_flight', at } | { 'unknown', at, its token } | { 'confirmed', at, receipt } | { 'baseline', at }
local effect, ref, token, taken_over = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if running(ref) ~= token then return { 'lost' } end
local letter, at, rest = effect_of(effect)
if letter == 'c' then return { 'confirmed', at, rest } end
if letter == 'b' then return { 'baseline', at } end
if letter == 'i' then
  local holder, holding = string.match(rest, '^(%S+) (%x+)$')
  if holding ~= token and holding ~= taken_over then
    local leased = tonumber(redis.call('ZSCORE', P .. 'leases', holder) or 0)
    if running(holder) == holding and leased > now then return { 'in_flight', at } end
    return { 'unknown', at, holding }
  end
end
enter_effect(effect, 'i', ref .. ' ' .. token)
return { 'fresh' }
