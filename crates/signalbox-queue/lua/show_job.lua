-- One job as it stands.
-- ARGV[3] its ref
-- Returns nothing if it is not known; else state, id, queue, lane, attempts, deaths, faults, reason, group, enqueued ms,
--   due ms, finished ms, payload, trace ('' for what it has not). Of one that ended a while ago only state and end are
--   known.
local ref = ARGV[3]
local job = load(ref)
if not job then
  local finished = redis.call('ZSCORE', P .. 'finished', ref)
  if not finished then return {} end
  return { 'done', '', '', '', '0', '0', '0', '', '', '', '', finished, '', '' }
end
local extra = job.extra
local function ms(instant) return instant and string.format('%d', instant) or '' end
-- A running job is in an attempt that counts already.
local leased = running(ref)
return { leased and 'running' or job.state, job.id, job.queue, job.lane, tostring(job.attempt + (leased and 1 or 0)),
  tostring(job.deaths), tostring(extra.faults or 0), extra.reason or '', extra.group or '', ms(job.enqueued), ms(extra.due),
  ms(extra.finished), job.payload, job.trace }
