-- What stands in the way of a lane's jobs. In front of every step that hands out jobs.

-- The instant until which a lane is shut (nil if it is open), and the broken lanes that may be probed.
local seen = {}
local function shut_by(lane)
  if not seen[lane] then
    local got = redis.call('HMGET', P .. 'lane:' .. lane, 'ancestors', 'until', 'paused', 'probe_at')
    local probe = tonumber(got[4])
    local shut = tonumber(got[2]) or 0
    if got[3] then shut = math.huge end
    if probe and probe > now then shut = math.max(shut, probe) end
    seen[lane] = { ancestors = got[1] or '', shut = shut, probe = probe and probe <= now }
  end
  return seen[lane]
end

local function gate_of(lane)
  local own = shut_by(lane)
  local shut, probing = own.shut, own.probe and { lane } or {}
  for ancestor in string.gmatch(own.ancestors, '%S+') do
    local above = shut_by(ancestor)
    shut = math.max(shut, above.shut)
    if above.probe then probing[#probing + 1] = ancestor end
  end
  return shut > now and shut or nil, probing
end
