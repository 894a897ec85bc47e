-- Enters the receipt of an effect. It is true whoever brings it, so no token is asked for.
-- ARGV[3] ref of the effect, ARGV[4] receipt
-- Returns 1 entered, 0 it was confirmed before
if effect_of(ARGV[3]) == 'c' then return 0 end
enter_effect(ARGV[3], 'c', ARGV[4])
return 1
