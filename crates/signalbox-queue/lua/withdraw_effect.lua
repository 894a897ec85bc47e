-- Takes an intent back after an answer that proves that nothing was done.
-- ARGV[3] ref of the effect, ARGV[4] token of the intent
-- Returns 1 withdrawn, 0 the intent is not this one
local letter, _, rest = effect_of(ARGV[3])
if letter ~= 'i' or string.match(rest, '(%x+)$') ~= ARGV[4] then return 0 end
return redis.call('HDEL', P .. 'ledger', ARGV[3])
