-- What the ledger holds about effects.
-- ARGV from 3: refs of effects
-- Returns one letter for each: i intended, c confirmed, b baseline, '' nothing
local out = {}
for i = 3, #ARGV do out[#out + 1] = effect_of(ARGV[i]) or '' end
return out
