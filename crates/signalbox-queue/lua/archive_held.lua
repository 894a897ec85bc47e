-- Moves the oldest jobs of a group into its archive until those that it holds are within their budget.
-- ARGV[3] group, ARGV[4] at most so many, ARGV[5] jobs that may be held, ARGV[6] bytes that they may take,
-- ARGV[7] ids kept in the archive, the newest, ARGV[8] reason
-- Returns how many were moved
-- `archived` has one text per group: how many, then when the first and the last of them were enqueued, in ms.
local group, most, keep, bytes = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local held, archive = 'held:' .. group, P .. 'archive:' .. group
local moved, first, last = 0, nil, nil

local function put_away(job)
  weigh(held, redis.call('STRLEN', P .. 'job:' .. job.ref), -1)
  count(job.queue, 'held', -1)
  redis.call('ZADD', archive, job.enqueued, job.id)
  first, last = math.min(first or job.enqueued, job.enqueued), math.max(last or job.enqueued, job.enqueued)
  make_finished(job, 'cancelled', ARGV[8])
  save(job)
end

while moved < most and (redis.call('ZCARD', P .. held) > keep or bytes_of(held) > bytes) do
  local ref = redis.call('ZPOPMIN', P .. held)[1]
  if not ref then
    count_anew(held)
    break
  end
  moved = moved + 1
  local job = load(ref)
  if job then put_away(job) end
end
if moved == 0 then return finish(0) end

if redis.call('HINCRBY', P .. 'groups', group, -moved) <= 0 then redis.call('HDEL', P .. 'groups', group) end
local known = redis.call('HGET', P .. 'archived', group) or '0'
local so_far, since, until_ = string.match(known, '^(%d+) ?(%d*) ?(%d*)$')
if first then
  first, last = math.min(tonumber(since) or first, first), math.max(tonumber(until_) or last, last)
  redis.call('HSET', P .. 'archived', group, string.format('%d %d %d', so_far + moved, first, last))
end
redis.call('ZREMRANGEBYRANK', archive, 0, -tonumber(ARGV[7]) - 1)
return finish(moved)
