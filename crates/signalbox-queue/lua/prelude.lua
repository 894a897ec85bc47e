-- In front of every script that works on one partition.
-- KEYS[1] the partition's prefix: all keys made from it share one hash slot
-- ARGV[1] now in ms, or '' for the server's clock; ARGV[2] the installation that the caller knows
-- Returns the error EPOCH when Redis holds another installation or none: then nothing was written.
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
if redis.call('HGET', P .. 'meta', 'epoch') ~= ARGV[2] then
  return redis.error_reply('EPOCH the installation is not in this Redis')
end

local function count(queue, state, by)
  redis.call('HINCRBY', P .. 'counts', queue .. '|' .. state, by)
end

-- One token wakes one waiter; a waiter that leaves work behind puts the token back.
local function wake(queue)
  local key = P .. 'wake:' .. queue
  if redis.call('LLEN', key) == 0 then redis.call('LPUSH', key, 1) end
end

-- A lane that enters the rotation goes behind all that are in it: with a shared turn, names would decide.
local function enter_rotation(queue, lane)
  if redis.call('ZSCORE', P .. 'lanes:' .. queue, lane) then return end
  redis.call('ZADD', P .. 'lanes:' .. queue, redis.call('HINCRBY', P .. 'meta', 'turn', 1), lane)
end

local function make_ready(id, queue, lane, seq)
  redis.call('ZADD', P .. 'ready:' .. queue .. ':' .. lane, seq, id)
  enter_rotation(queue, lane)
  count(queue, 'ready', 1)
  wake(queue)
end

local function drop_ready(id, queue, lane)
  local key = P .. 'ready:' .. queue .. ':' .. lane
  redis.call('ZREM', key, id)
  if redis.call('EXISTS', key) == 0 then redis.call('ZREM', P .. 'lanes:' .. queue, lane) end
  count(queue, 'ready', -1)
end

-- A lane's ancestors are written down with its first job; they never change.
local function know_lane(lane, ancestors)
  if ancestors ~= '' then redis.call('HSETNX', P .. 'lane:' .. lane, 'ancestors', ancestors) end
end

-- Puts the lanes that wait for an instant up to `until_` back into the rotation; fetch looks at their gates again.
-- All of them: nothing would look for a lane that was shut without an instant and left behind here.
local function end_waits(until_)
  local ended = 0
  repeat
    local waits = redis.call('ZRANGEBYSCORE', P .. 'waiting', '-inf', until_, 'LIMIT', 0, 1000)
    for _, wait in ipairs(waits) do
      local queue, lane = string.match(wait, '^(%S+) (.+)$')
      redis.call('ZREM', P .. 'waiting', wait)
      if redis.call('EXISTS', P .. 'ready:' .. queue .. ':' .. lane) == 1 then
        enter_rotation(queue, lane)
        wake(queue)
      end
    end
    ended = ended + #waits
  until #waits == 0
  return ended
end

-- A job that is due earlier than all others moves the instant for which the waiters sleep.
local function make_scheduled(id, queue, due)
  redis.call('ZADD', P .. 'scheduled', due, id)
  count(queue, 'scheduled', 1)
  if redis.call('ZRANGE', P .. 'scheduled', 0, 0)[1] == id then wake(queue) end
end

local function join_group(id, queue, group, seq)
  redis.call('HSET', P .. 'job:' .. id, 'state', 'held', 'group', group)
  if redis.call('ZADD', P .. 'held:' .. group, seq, id) == 1 then redis.call('HINCRBY', P .. 'groups', group, 1) end
  count(queue, 'held', 1)
end

-- A job that was held goes on: at its instant if that is still to come, else now.
local function go_on(id, queue, lane, seq)
  local job = P .. 'job:' .. id
  redis.call('HDEL', job, 'group', 'reason')
  local due = tonumber(redis.call('HGET', job, 'due'))
  if due and due > now then
    redis.call('HSET', job, 'state', 'scheduled')
    make_scheduled(id, queue, due)
  else
    redis.call('HDEL', job, 'due', 'floor')
    redis.call('HSET', job, 'state', 'ready')
    make_ready(id, queue, lane, seq)
  end
end

-- Somebody looked, and nothing was done: the effect may be declared again.
local function forget_intent(effect)
  if not effect or effect == '' then return end
  if redis.call('HGET', P .. 'effect:' .. effect, 'state') == 'intended' then
    redis.call('DEL', P .. 'effect:' .. effect)
    redis.call('ZREM', P .. 'effects', effect)
  end
end

local function extend_leases(from, to, full)
  repeat
    local short = redis.call('ZRANGEBYSCORE', P .. 'leases', from, to, 'LIMIT', 0, 1000)
    for _, id in ipairs(short) do redis.call('ZADD', P .. 'leases', full, id) end
  until #short == 0
end

-- Notes that a worker is here. After a gap in which none was, every lease first gets one full period.
-- But only one: a lease that still ends where the last grace put it was not renewed since, so its worker is dead.
-- Noted now and then only: a fetch that finds nothing shall write nothing, because every write waits for the disk.
local function note_alive(lease)
  local noted = redis.call('HMGET', P .. 'meta', 'alive', 'grace')
  local gap = now - (tonumber(noted[1]) or now)
  if not noted[1] or math.abs(gap) > lease / 8 then redis.call('HSET', P .. 'meta', 'alive', now) end
  if gap <= lease then return end
  local full, given = string.format('%d', now + lease), noted[2] or '0'
  redis.call('HSET', P .. 'meta', 'grace', full)
  extend_leases('-inf', '(' .. given, full)
  extend_leases('(' .. given, '(' .. full, full)
end

local function next_seq() return redis.call('HINCRBY', P .. 'meta', 'seq', 1) end

-- The newest payload that came while the job ran takes the place of the old one, as if just enqueued.
local function take_pending(job)
  local pending = redis.call('HMGET', job, 'next_payload', 'next_changed')
  if not pending[1] then return false end
  redis.call('HSET', job, 'payload', pending[1], 'changed', pending[2], 'attempt', 0, 'deaths', 0, 'enqueued', now)
  redis.call('HDEL', job, 'next_payload', 'next_changed', 'reason')
  return true
end
