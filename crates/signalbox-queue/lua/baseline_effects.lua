-- Enters effects as known from before, without a request ever being sent.
-- ARGV from 3: refs of effects
-- Returns how many were not known yet
local fresh = 0
for i = 3, #ARGV do
  if redis.call('HEXISTS', P .. 'ledger', ARGV[i]) == 0 then
    enter_effect(ARGV[i], 'b', '')
    fresh = fresh + 1
  end
end
return fresh
