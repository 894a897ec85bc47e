-- Ends the hold of a group's oldest jobs.
-- ARGV[3] group, ARGV[4] most jobs, ARGV[5] what becomes of them: ready, or scheduled if their instant is to come
--   | anew (ready, and the intent of their effect is taken back: somebody looked, and nothing was done)
--   | seen (their effect is entered as baseline)
-- Returns how many jobs left the group
local group, most, become = ARGV[3], tonumber(ARGV[4]), ARGV[5]

local function enter_baseline(key)
  if not key or key == '' then return end
  local stands = redis.call('HGET', P .. 'effect:' .. key, 'state')
  if stands and stands ~= 'intended' then return end
  redis.call('HSET', P .. 'effect:' .. key, 'state', 'baseline', 'at', now)
  redis.call('ZADD', P .. 'effects', now, key)
end

local function leave(id, seq)
  local job = P .. 'job:' .. id
  local old = redis.call('HMGET', job, 'queue', 'lane', 'effect')
  if not old[1] then return end
  count(old[1], 'held', -1)
  if become ~= 'seen' then
    if become == 'anew' then forget_intent(old[3]) end
    go_on(id, old[1], old[2], seq)
  else
    enter_baseline(old[3])
    redis.call('HDEL', job, 'group', 'payload', 'due', 'floor')
    redis.call('HSET', job, 'state', 'done', 'finished', now, 'reason', 'marked as seen')
    redis.call('ZADD', P .. 'finished', now, id)
  end
end

local popped = redis.call('ZPOPMIN', P .. 'held:' .. group, most)
for i = 1, #popped, 2 do leave(popped[i], popped[i + 1]) end
if #popped > 0 and redis.call('HINCRBY', P .. 'groups', group, -#popped / 2) <= 0 then
  redis.call('HDEL', P .. 'groups', group)
end
return #popped / 2
