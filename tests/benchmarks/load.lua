-- The load that wrk sends: what the plan (a Lua table written by wrk.py) says. Every answer is
-- checked here, and the rate is taken from the first request sent to the last answer received.
local ffi = require("ffi")
ffi.cdef([[
typedef struct { long seconds; long nanoseconds; } moment;
int clock_gettime(int clock, moment *now);
int getpid(void);
int kill(int pid, int signal);
]])
local MONOTONIC, SIGINT = 1, 2
local moment = ffi.new("moment")

local function now()
   ffi.C.clock_gettime(MONOTONIC, moment)
   return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

-- Globals, because done() runs in another Lua state and can read nothing else.
completed, wrong, wrong_answer, started, ended = 0, 0, "", 0, 0

local plan, items, kept, fixed
local sent, asked_before = 0, false
local threads = {}

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   plan = dofile(args[1])
   items = {}
   for line in io.lines(plan.items) do
      items[#items + 1] = line
   end
   for name, value in pairs(plan.headers) do
      wrk.headers[name] = value
   end
   if plan.keep ~= "" then
      kept = assert(io.open(plan.keep, "w"))
   end
   if not (plan.path .. plan.body):find("{", 1, true) then
      fixed = wrk.format(plan.method, plan.path, nil, plan.body)
   end
end

local function build(number)
   local item = items[(number - 1) % math.max(#items, 1) + 1] or ""
   local path = plan.path:gsub("{item}", item):gsub("{n}", number)
   local body = plan.body:gsub("{item}", item):gsub("{n}", number)
   return wrk.format(plan.method, path, nil, body)
end

function request()
   if not asked_before then -- wrk tries the script once and sends nothing
      asked_before = true
      return fixed or build(1)
   end
   if plan.count > 0 and sent >= plan.count then
      return "" -- sends nothing: this connection is done
   end
   if sent == 0 then
      started = now()
   end
   sent = sent + 1
   return fixed or build(sent)
end

local function occurrences(text, needle)
   local found, from = 0, 1
   while true do
      local first, last = text:find(needle, from, true)
      if not first then
         return found
      end
      found, from = found + 1, last + 1
   end
end

local function is_right(status, body)
   if status ~= plan.status then
      return false
   end
   return plan.needle == "" or occurrences(body, plan.needle) == plan.times
end

function response(status, _, body)
   completed = completed + 1
   ended = now()
   if not is_right(status, body) then
      wrong = wrong + 1
      if wrong == 1 then
         wrong_answer = status .. " " .. body:sub(1, 400)
      end
   elseif kept then
      kept:write(body:match('"id": ?"([%x-]+)"') or "", "\n")
   end
   if completed == plan.count then
      ffi.C.kill(ffi.C.getpid(), SIGINT) -- wrk ends its run early and still reports
   end
end

local function quoted(text)
   return (text:gsub("[^%w ]", function(char)
      return string.format("%%%02X", char:byte())
   end))
end

function done(summary, latency)
   local load, errors = threads[1], summary.errors
   print(
      string.format(
         'report {"completed": %d, "wrong": %d, "wrong_answer": "%s", "seconds": %.6f, '
            .. '"p50_ms": %.3f, "p99_ms": %.3f, "socket_errors": %d}',
         load:get("completed"),
         load:get("wrong"),
         quoted(load:get("wrong_answer")),
         load:get("ended") - load:get("started"),
         latency:percentile(50) / 1000,
         latency:percentile(99) / 1000,
         errors.connect + errors.read + errors.write + errors.timeout
      )
   )
end
