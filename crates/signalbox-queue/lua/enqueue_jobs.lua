-- Stores jobs, each by the rules of its mode against the job that already has its id.
-- ARGV[3] dedupe window in ms, then 10 per job: id, queue, lane, its ancestors (blank between), mode (ignore|keep_last),
--   changed ms, due ms (0 = now), effect key or '', group to hold it with or '', payload
-- Returns one text per job: new | absorbed STATE | merged STATE | pending | known STATE (of its effect)
local window = tonumber(ARGV[3])

local function merge(job, id, old, changed, due, payload)
  if changed >= tonumber(old.changed) then
    redis.call('HSET', job, 'payload', payload, 'changed', changed, 'attempt', 0, 'deaths', 0)
  end
  local at = math.max(due, tonumber(old.floor) or 0)
  if old.state == 'held' and old.due and at < tonumber(old.due) then redis.call('HSET', job, 'due', at) end
  if old.state == 'scheduled' then
    if at < tonumber(old.due) then
      redis.call('ZREM', P .. 'scheduled', id)
      count(old.queue, 'scheduled', -1)
      if at <= now then
        redis.call('HSET', job, 'state', 'ready')
        redis.call('HDEL', job, 'due', 'floor')
        make_ready(id, old.queue, old.lane, old.seq)
      else
        redis.call('HSET', job, 'due', at)
        make_scheduled(id, old.queue, at)
      end
    end
  end
  return 'merged ' .. old.state
end

local function stand_against(job, id, mode, changed, due, payload)
  local got = redis.call('HMGET', job, 'state', 'changed', 'due', 'floor', 'queue', 'lane', 'seq', 'finished', 'next_changed')
  local old = { state = got[1], changed = got[2], due = got[3], floor = got[4], queue = got[5], lane = got[6], seq = got[7] }
  if not old.state then return nil end
  local live = old.state == 'ready' or old.state == 'scheduled' or old.state == 'held'
  local fresh_done = old.state == 'done' and tonumber(got[8]) + window > now
  if mode == 'ignore' then
    if live or fresh_done or old.state == 'running' or old.state == 'dead' or old.state == 'cancelled' then
      return 'absorbed ' .. old.state
    end
  elseif live then
    return merge(job, id, old, changed, due, payload)
  elseif old.state == 'running' then
    if not got[9] or changed >= tonumber(got[9]) then
      redis.call('HSET', job, 'next_payload', payload, 'next_changed', changed)
    end
    return 'pending'
  end
  if old.state == 'dead' then
    redis.call('ZREM', P .. 'dead:' .. old.queue, id)
    count(old.queue, 'dead', -1)
  end
  redis.call('ZREM', P .. 'finished', id)
  redis.call('DEL', job)
  return nil
end

local function enqueue(id, queue, lane, ancestors, mode, changed, due, effect, group, payload)
  if effect ~= '' then
    local known = redis.call('HGET', P .. 'effect:' .. effect, 'state')
    if known == 'baseline' or known == 'confirmed' then return 'known ' .. known end
  end
  local job = P .. 'job:' .. id
  local conflict = stand_against(job, id, mode, changed, due, payload)
  if conflict then return conflict end
  know_lane(lane, ancestors)
  local seq = next_seq()
  local state = group ~= '' and 'held' or due > now and 'scheduled' or 'ready'
  redis.call('HSET', job, 'payload', payload, 'state', state, 'queue', queue, 'lane', lane,
    'changed', changed, 'enqueued', now, 'seq', seq, 'attempt', 0, 'deaths', 0, 'effect', effect)
  if state == 'held' then
    join_group(id, queue, group, seq)
  elseif state == 'scheduled' then
    redis.call('HSET', job, 'due', due)
    make_scheduled(id, queue, due)
  else
    make_ready(id, queue, lane, seq)
  end
  return 'new'
end

local out = {}
for i = 4, #ARGV, 10 do
  out[#out + 1] = enqueue(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], tonumber(ARGV[i + 5]),
    tonumber(ARGV[i + 6]), ARGV[i + 7], ARGV[i + 8], ARGV[i + 9])
end
return out
