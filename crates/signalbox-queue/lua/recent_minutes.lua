-- What became of the attempts of this minute and of those just before it, as they were counted. Looks at no job.
-- ARGV[3] how many minutes, this one included
-- Returns { now in ms, then name and number in turn, minute by minute }
local out = { now_text }
local minute = math.floor(now / 60000)
for back = 0, tonumber(ARGV[3]) - 1 do
  local counts = redis.call('HGETALL', P .. 'minute:' .. as_text(minute - back))
  for i = 1, #counts do out[#out + 1] = counts[i] end
end
return out
