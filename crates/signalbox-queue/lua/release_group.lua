-- Ends the hold of a group's oldest jobs.
-- ARGV[3] group, ARGV[4] most jobs, ARGV[5] what becomes of them: ready, or scheduled if their instant is to come
--   | anew (ready, and the intent of their effect is taken back: somebody looked, and nothing was done)
--   | seen (their effect is entered as baseline)
-- ARGV[6] 1 if the caller wants to know which they were
-- Returns how many jobs left the group, then, if that is wanted, 3 per job: id, queue, payload
local group, most, become = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local moved = {}

local function enter_baseline(effect)
  if effect == '' then return end
  local stands = effect_of(effect)
  if not stands or stands == 'i' then enter_effect(effect, 'b', '') end
end

local function leave(job)
  if ARGV[6] == '1' then
    for _, value in ipairs({ job.id, job.queue, job.payload }) do moved[#moved + 1] = value end
  end
  count(job.queue, 'held', -1)
  weigh('held:' .. group, redis.call('STRLEN', P .. 'job:' .. job.ref), -1)
  if become == 'seen' then
    enter_baseline(job.effect)
    make_finished(job, 'done', 'marked as seen')
  else
    if become == 'anew' then forget_intent(job.effect) end
    go_on(job)
  end
  save(job)
end

local popped = redis.call('ZPOPMIN', P .. 'held:' .. group, most)
for i = 1, #popped, 2 do
  local job = load(popped[i])
  if job then leave(job) end
end
if #popped > 0 and redis.call('HINCRBY', P .. 'groups', group, -#popped / 2) <= 0 then
  redis.call('HDEL', P .. 'groups', group)
end
return finish({ #popped / 2, unpack(moved) })
