-- Ends the hold of a group's oldest jobs.
-- ARGV[3] group, ARGV[4] most jobs, ARGV[5] what becomes of them: ready
--   | anew (ready, and the intent of their effect is taken back: somebody looked, and nothing was done)
--   | seen (their effect is entered as baseline)
-- Returns how many jobs left the group
local group, most, become = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local function leave(id, seq)
  local job = P .. 'job:' .. id
  local old = redis.call('HMGET', job, 'queue', 'lane', 'effect')
  if not old[1] then return end
  redis.call('HDEL', job, 'group', 'reason')
  count(old[1], 'held', -1)
  local effect = P .. 'effect:' .. (old[3] or '')
  local stands = old[3] and old[3] ~= '' and redis.call('HGET', effect, 'state')
  if become ~= 'seen' then
    if become == 'anew' and stands == 'intended' then
      redis.call('DEL', effect)
      redis.call('ZREM', P .. 'effects', old[3])
    end
    redis.call('HSET', job, 'state', 'ready')
    make_ready(id, old[1], old[2], seq)
  else
    if old[3] and old[3] ~= '' and (not stands or stands == 'intended') then
      redis.call('HSET', effect, 'state', 'baseline', 'at', now)
      redis.call('ZADD', P .. 'effects', now, old[3])
    end
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
