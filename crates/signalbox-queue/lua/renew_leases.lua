-- ARGV[3] lease in ms, then 2 per job: ref, token
-- Returns one flag per job: 1 renewed, 0 lost
local out, lease = {}, tonumber(ARGV[3])
note_alive(lease)
for i = 4, #ARGV, 2 do
  local held = running(ARGV[i]) == ARGV[i + 1]
  if held then redis.call('ZADD', P .. 'leases', now + lease, ARGV[i]) end
  out[#out + 1] = held and 1 or 0
end
return out
