// SPDX-License-Identifier: GPL-2.0
/* The program itself: what it prints and how it ends, row by row. */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"

#define WORDS_MAX 24
#define THREE " --from " GOLDEN "/three.json"
#define BUSY " --from " GOLDEN "/busy.json"
#define HOST_B " --dest " GOLDEN "/hostb.json"	/* room for one of the three */
#define HOST_C " --dest hostc=" GOLDEN "/hostc.json"
#define TWO_VMS(more) "{\"version\":1,\"vms\":[" \
	"{\"pid\":5,\"unique_bytes\":4096,\"anon_bytes\":4096" more "}," \
	"{\"pid\":6,\"unique_bytes\":4096,\"anon_bytes\":8192,\"dirty_bytes_per_s\":0}],\"sets\":[]}"

/* Two go together for a cost of 2 and would need 60,000 bytes there; one for 5, and 40,000. */
#define TIGHT "{\"version\":1,\"vms\":[" \
	"{\"pid\":5,\"unique_bytes\":10000,\"anon_bytes\":30000,\"cost\":1}," \
	"{\"pid\":6,\"unique_bytes\":10000,\"anon_bytes\":30000,\"cost\":1}," \
	"{\"pid\":7,\"unique_bytes\":20000,\"anon_bytes\":40000,\"cost\":5}],\"sets\":[]}"

/* The same, and the two that do not fit come first by size. */
#define CROWD "{\"version\":1,\"vms\":[" \
	"{\"pid\":5,\"unique_bytes\":15000,\"anon_bytes\":30000,\"cost\":1}," \
	"{\"pid\":6,\"unique_bytes\":15000,\"anon_bytes\":30000,\"cost\":1}," \
	"{\"pid\":7,\"unique_bytes\":29000,\"anon_bytes\":29000,\"cost\":5}],\"sets\":[]}"

/* A window in which one VM's guest time is not known, and of another nothing. */
#define WINDOW "{\"version\":1,\"window_ns\":1000000000,\"vms\":[" \
	"{\"pid\":5,\"threads\":[{\"tid\":6,\"kind\":\"vcpu\",\"vcpu\":0,\"window\":" \
	"{\"run_ns\":500000000,\"ready_ns\":0}}]},{\"pid\":7}]}"

/* While one VM waited no other ran; how much of it nobody did is not said. */
#define UNSPLIT "{\"version\":1,\"window_ns\":9,\"vms\":[{\"pid\":5}],\"sets\":[]," \
	"\"preemptions\":[{\"victim\":5,\"by\":0,\"count\":1,\"wait_ns\":7}]}"

/* Memory changed while it was looked at. */
#define CHANGED "{\"version\":1,\"consistent\":false,\"host\":{\"mem_total_bytes\":9999999," \
	"\"mem_available_bytes\":9999999},\"vms\":[{\"pid\":5,\"unique_bytes\":1," \
	"\"anon_bytes\":1}],\"sets\":[]}"
#define OF_ONE_INSTANT "memory changed during the walk, or a VM could not be looked at; " \
	"the numbers are not of one instant\n"

#define VM_OF(pid, unique, anon) "{\"pid\":" pid ",\"unique_bytes\":" unique ",\"anon_bytes\":" anon "}"
#define SET_OF(pids, bytes) "{\"vms\":[" pids "],\"outside\":false,\"frames_bytes\":" bytes "}"

/* Two pairs, of which one step of the search does not find the cheaper. */
#define PAIRS "{\"version\":1,\"vms\":[" VM_OF("1", "6", "67") "," VM_OF("2", "8", "16") "," \
	VM_OF("3", "3", "86") "," VM_OF("4", "2", "62") "],\"sets\":[" SET_OF("1,4", "47") "," \
	SET_OF("2,3", "37") "]}"

/* Two that free what is needed together, one that does alone and has nothing that is not merged. */
#define TWINS "{\"version\":1,\"vms\":[" VM_OF("5", "8", "8") "," VM_OF("6", "8", "8") "," \
	VM_OF("7", "0", "40") "],\"sets\":[" SET_OF("7", "20") "]}"

#define EIGHT "{\"version\":1,\"vms\":[" VM_OF("1", "1", "1") "," VM_OF("2", "1", "1") "," VM_OF("3", "1", "1") \
	"," VM_OF("4", "1", "1") "," VM_OF("5", "1", "1") "," VM_OF("6", "1", "1") "," VM_OF("7", "1", "1") \
	"," VM_OF("8", "1", "1") "],\"sets\":[]}"
#define OUTSIDE "{\"version\":1,\"vms\":[" VM_OF("5", "1", "1") "," VM_OF("6", "1", "1") "],\"sets\":[" \
	"{\"vms\":[5],\"outside\":true,\"frames_bytes\":5}," SET_OF("5,6", "7") "]}"
#define FREE_VM "{\"version\":1,\"vms\":[{\"pid\":5,\"unique_bytes\":9,\"anon_bytes\":9,\"cost\":0}," \
	"{\"pid\":6,\"unique_bytes\":9,\"anon_bytes\":99,\"cost\":7}],\"sets\":[]}"
#define HOST(vms) "{\"version\":1,\"host\":{\"mem_total_bytes\":9999999,\"mem_available_bytes\":9999999}," \
	"\"vms\":[" vms "]"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

#define KSM(fields) "{\"version\":1,\"vms\":[],\"host\":{\"ksm\":{" fields "}}}"

/* Threads of all kinds, in no order, among them those that have ended. */
#define THREAD(tid, kind, comm, window) "{\"tid\":" tid ",\"kind\":\"" kind ",\"comm\":\"" comm \
	"\",\"window\":{" window "}}"
#define VCPU(id) "vcpu\",\"vcpu\":" id
#define THREADS "{\"version\":1,\"window_ns\":1000000000,\"vms\":[{\"pid\":5,\"threads\":[" \
	THREAD("0", "vmm\"", "", "\"run_ns\":100000000") "," THREAD("6", "kernel\"", "e", "") "," \
	THREAD("8", VCPU("1"), "a", "") "," THREAD("9", VCPU("0"), "b", "\"run_ns\":500000000," \
		"\"exits_by_reason\":{\"x\":2,\"io\":9,\"hlt\":2,\"y\":1}") "," \
	THREAD("5", "vmm\"", "d", "") "," THREAD("7", VCPU("1"), "c", "") "]}]}"

#define THREE_PRICES "{\"version\":1,\"vms\":[" \
	"{\"pid\":5,\"unique_bytes\":100,\"anon_bytes\":100,\"cost\":1}," \
	"{\"pid\":6,\"unique_bytes\":100,\"anon_bytes\":100,\"cost\":2}," \
	"{\"pid\":7,\"unique_bytes\":100,\"anon_bytes\":100,\"cost\":3}],\"sets\":[]}"

struct row {
	int code;
	const char *words;
	const char *input;		/* standard input; NULL: none */
	const char *part;		/* of standard output and error together */
};

static const struct row rows[] = {
	/* usage */
	{ 0, "-h", NULL, "usage: vmshare" },
	{ 0, "--help", NULL, "exit codes: 0 ok" },
	{ 0, "victim -h", NULL, "--max-vms N" },
	{ 0, "list --help", NULL, "resident anonymous memory" },
	{ 0, "list -h", NULL, "columns for -o and -s:" },
	{ 0, "matrix -h", NULL, "columns for -s:" },
	{ 0, "show -h", NULL, "columns for -o:" },
	{ 0, "list --bad -h", NULL, "usage: vmshare list" },
	{ 0, "help", NULL, "exit codes: 0 ok" },
	{ 0, "help victim", NULL, "--max-vms N" },
	{ 2, "help victim top", NULL, "not also \"top\"" },
	{ 2, "help lst -j", NULL, "\"message\":\"there is no verb \\\"lst\\\"; did you mean list?" },
	{ 0, "--version", NULL, "program " },
	{ 0, "list --version", NULL, "program " },
	{ 2, "predict web1", NULL, "predict is not there yet" },
	{ 2, "-x", NULL, "unknown option -x" },
	{ 2, "-x list", NULL, "unknown option -x" },
	{ 2, "-x help", NULL, "unknown option -x" },
	{ 2, "-x lst -j", NULL, "{\"version\":1,\"error\":{\"code\":2,\"message\":\"unknown option -x" },
	{ 2, "lst", NULL, "no verb \"lst\"; did you mean list?" },
	{ 2, "frobnicate", NULL, "vmshare -h lists them" },
	{ 2, "list --form x", NULL, "did you mean --from?" },
	{ 2, "list -x", NULL, "unknown option -x" },
	{ 2, "list --from", NULL, "needs a value: FILE" },
	{ 2, "list --json=1", NULL, "takes no value" },
	{ 2, "list --jso", NULL, "unknown option --jso" },
	{ 2, "show", NULL, "needs an argument" },
	{ 2, "show a b", NULL, "does not take the argument \"b\"" },
	{ 2, "snapshot vm1" THREE, NULL, "does not take the argument" },
	{ 2, "snapshot -o psss" THREE, NULL, "did you mean pss?" },
	{ 2, "version" THREE, NULL, "version does not go with --from" },
	{ 2, "manage --check" THREE, NULL, "manage does not go with --from" },
	{ 2, "tune t" THREE, NULL, "tune does not go with --from" },
	{ 2, "list --engine tree" THREE, NULL, "--engine is how the module walks" },
	{ 2, "version --engine tree", NULL, "version makes it walk none" },
	{ 2, "place a b --engine pages", NULL, "place makes it walk none" },
	{ 2, "tune t --engine tree", NULL, "tune makes it walk none" },
	{ 2, "version -s pidd", NULL, "did you mean pid?" },
	{ 2, "list --engine fast", NULL, "auto, tree and pages" },
	{ 2, "list --color=pink", NULL, "auto, always and never" },
	{ 2, "list -o vm,uniq" THREE, NULL, "did you mean unique?" },
	{ 2, "list -s nosuchthing" THREE, NULL, "there is no column" },
	{ 2, "snapshot --window 5s", NULL, "--window: \"5s\" is not a number of seconds" },
	{ 2, "matrix --window 1" THREE, NULL, "a document has the window" },
	{ 1, "overhead" THREE, NULL, "window_ns is missing" },
	{ 0, "overhead --from -", WINDOW,
	  "5        5  50.0      -      -  0.0     0.0          -   0.0       -\n"
	  "7        7     -      -      -    -       -          -     -       -\n" },
	{ 0, "overhead --from -", WINDOW, "guest time not known\n" },
	{ 0, "overhead -j --from -", WINDOW,
	  "[{\"pid\":5,\"cpu_ns\":500000000,\"vmm_ns\":0,\"kernel_ns\":0,\"ready_ns\":0},{\"pid\":7}]" },
	{ 0, "overhead -s kernel --no-header" BUSY, NULL, "29.3  41.0   10000\nweb2 " },
	{ 0, "overhead -s exits --no-header" BUSY, NULL, "29.3  41.0   10000\ndb1 " },
	{ 0, "overhead -j -s guest" BUSY, NULL, "\"vms\":[{\"pid\":202," },
	{ 0, "overhead -j -s overhead" BUSY, NULL, "\"vms\":[{\"pid\":201," },
	{ 0, "overhead -s cpu --no-header --from -", WINDOW, "7        7     -" },
	{ 2, "overhead -s anon" BUSY, NULL,
	  "does not show \"anon\"; it sorts by vm,pid,cpu,guest,exits,vmm,kernel,overhead,ready,exit_rate" },
	{ 2, "overhead -s kernl" BUSY, NULL, "did you mean kernel?" },
	{ 0, "overhead -h", NULL, "keys for -s:\n  vm " },
	{ 2, "list -s kernel" THREE, NULL, "there is no column" },
	{ 2, "overhead --window 0" BUSY, NULL, "--window 0 leaves none" },
	{ 0, "matrix --window 0" BUSY, NULL, "OTHERS" },
	{ 1, "overhead nosuch" BUSY, NULL, "nosuch" },
	{ 2, "overhead --experiment" BUSY, NULL, "starts jobs of its own" },
	{ 2, "overhead --experiment web1", NULL, "starts jobs of its own" },
	{ 2, "overhead --experiment --window 1", NULL, "starts jobs of its own" },
	{ 2, "overhead --experiment --engine tree", NULL, "starts jobs of its own" },
	{ 2, "overhead --seconds 1" BUSY, NULL, "give --experiment too" },
	{ 2, "overhead --repeats 2" BUSY, NULL, "give --experiment too" },
	{ 2, "overhead --cpus 2" BUSY, NULL, "give --experiment too" },
	{ 2, "overhead --experiment --cpus 1", NULL, "--cpus 1: the experiment" },
	{ 2, "overhead --seconds 0.01", NULL, "--seconds: \"0.01\" is not a number of seconds from 0.1" },
	{ 2, "overhead --experiment --cpus 0", NULL, "is not a whole number" },
	{ 2, "overhead --repeats 1000", NULL, "is not a whole number from 1 to 100" },
	{ 2, "list --window 1" THREE, NULL, "a document has the window" },
	{ 2, "list --window 0.01", NULL, "or 0 for none" },
	{ 2, "top -n 0", NULL, "--iterations: \"0\" is not a whole number from 1" },
	{ 2, "top -d 0", NULL, "--delay: \"0\" is not a number of seconds" },
	{ 2, "doctor --verify" THREE, NULL, "does not go with --from" },
	{ 2, "doctor --verify --engine tree", NULL, "does not go with --engine" },
	{ 2, "doctor --verify web1", NULL, "compares all VMs; name none" },
	{ 2, "list --from=", NULL, "--from needs the name of a file, or -" },
	{ 0, "list --color=never" THREE, NULL, "vm3  103" },
	{ 0, "list --color=auto" THREE, NULL, "vm3  103" },
	{ 0, "list" THREE " -- vm1", NULL, "vm1  101" },
	{ 1, "list" THREE " -- --bytes", NULL, "there is no VM \"--bytes\"" },
	{ 0, "list" THREE " --", NULL, "vm3  103" },
	{ 2, "-j lst", NULL, "{\"version\":1,\"error\":{\"code\":2,\"message\":\"there is no verb" },
	{ 2, "lst -j", NULL, "{\"version\":1,\"error\":{\"code\":2" },
	{ 2, "list --bad --json", NULL, "{\"version\":1,\"error\":{\"code\":2" },
	{ 2, "list --bad -p", NULL, "\"error\": {" },

	/* documents */
	{ 0, "list" THREE, NULL, "vm3  103" },
	{ 0, "list vm1" THREE, NULL, "vm1  101" },
	{ 0, "-j list" THREE, NULL, "\"name\":\"vm3\"" },
	{ 0, "list -o vm --no-header" THREE, NULL, "vm1\nvm2\nvm3\n" },
	{ 0, "list -o vm --no-header -s freed" THREE, NULL, "vm3\nvm1\nvm2\n" },
	{ 0, "list -ovm,anon --bytes --no-header vm2" THREE, NULL, "vm2  32768\n" },
	{ 0, "list -j -s freed" THREE, NULL, "\"vms\":[{\"pid\":103," },
	{ 0, "top -b -n 1 -j -s freed" THREE, NULL, "\"vms\":[{\"pid\":103," },
	{ 0, "list --color=always" THREE, NULL, "\033[1mVM" },
	{ 0, "list --from -", "{\"version\":1,\"vms\":[{\"pid\":7,\"name\":\"x\"}]}", "x     7" },
	{ 0, "list --from -", "{\"version\":1,\"vms\":[]}", "VM  PID" },
	{ 0, "list --from -", "{\"version\":1,\"vms\":[{\"pid\":7,\"name\":\"\\u001b[2J\"}]}",
	  "\\x1b[2J" },
	{ 0, "list -o vm,pid --from -", "{\"version\":1,\"vms\":[{\"pid\":7,\"name\":\"\"}]}", "7     7\n" },
	{ 0, "list -j --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":7,\"name\":\"\\u009b2J\\u00a0\\u00e4\\u0080\"}]}",
	  "\"name\":\"\\u009b2J\xc2\xa0\xc3\xa4\\u0080\"" },
	{ 1, "list --from -", "{\"version\":1,\"vms\":[{\"pid\":7,\"anon_bytes\":9,\"unique_bytes\":1,"
	  "\"self_shared_bytes\":2,\"inter_shared_bytes\":3}]}", "vms[0]: anon_bytes is not unique_bytes +" },
	{ 1, "list --from -", "", "standard input: is not a JSON document" },
	{ 1, "list --from -", "{\"version\":1,\"vms\":[{\"pid\":-7}]}", "vms[0].pid: must not" },
	{ 1, "list -j --from -", "[]", "{\"version\":1,\"error\":{\"code\":1" },
	{ 1, "list --from /nonexistent", NULL, "cannot open it: No such file" },
	{ 1, "list --from /", NULL, "snapshot /: " },
	{ 1, "list vm9" THREE, NULL, "did you mean vm1, vm2, vm3?" },
	{ 1, "show nothing-like-it" THREE, NULL, "among the 3 there are" },
	{ 0, "show vm3" THREE, NULL, "freed          4.00K" },
	{ 0, "show 103 -o freed --bytes --no-header" THREE, NULL, "4096\n" },
	{ 0, "show 33333333-3333-4333-8333-333333333333 -j" THREE, NULL, "\"shared_with\":[" },
	{ 0, "matrix" THREE, NULL, "vm3  12.0K  12.0K  4.00K" },
	{ 0, "matrix -j" THREE, NULL, "[[0,12288,12288],[12288,0,12288],[12288,12288,4096]]" },
	{ 0, "matrix vm3 vm1 --bytes --no-header" THREE, NULL, "vm1      0  12288       0\n" },
	{ 0, "matrix --bytes --from -", UNSPLIT, "5   0          0   7/1     -        -      7\n" },
	{ 0, "matrix -j --from -", UNSPLIT, "\"idle_wait_ns\":[null],\"unknown_wait_ns\":[null]" },
	{ 0, "matrix -s freed --no-header" THREE, NULL, "vm3  4.00K" },
	{ 1, "matrix --from -", "{\"version\":1,\"vms\":[]}", "sets is missing" },
	{ 0, "snapshot" THREE, NULL, "\"outside\":false" },
	{ 0, "top -b -n 2 -d 0.1" THREE, NULL, "80.0K saved" },
	{ 0, "top -b -n 2 -d 0.1 -j --from -", "{\"version\":1,\"vms\":[]}", "\"vms\":[]" },
	{ 0, "top -n 1 -s freed -o vm --no-header" THREE, NULL, "vm3\nvm1\nvm2\n" },
	{ 0, "doctor" THREE, NULL, "KSM runs" },
	{ 0, "doctor --bytes" THREE, NULL, "32768 of 32768 of anonymous memory" },
	{ 0, "top -b -n 1 --from -", CHANGED, "Walk  -, not of one instant\n" },
	{ 0, "top -b -n 1" BUSY, NULL, ", scheduler hooks on\n" },
	{ 0, "overhead web1" BUSY, NULL, "guest time exact, between each entry and exit\nVM    PID" },
	{ 0, "show 5 --from -", OUTSIDE, "5 of frames with processes that are no VM" },
	{ 0, "show 5 -j --from -", OUTSIDE, "[{\"pid\":6,\"frames_bytes\":7}]" },
	{ 0, "doctor -j 5 --from -", "{\"version\":1,\"vms\":[{\"pid\":5,\"anon_bytes\":1}]}", "\"pid\":5,\"message\"" },
	{ 2, "show vm1 -o nosuch" THREE, NULL, "there is no column" },
	{ 0, "top -b -n 1 --from -", KSM("\"run\":2"), "\nKSM   unmerging\n" },
	{ 0, "top -b -n 1 --from -", KSM("\"run\":3"), "\nKSM   unknown\n" },
	{ 0, "top -b -n 1 --from -",
	  KSM("\"run\":0,\"merged_frames\":4,\"merged_mappings\":9,\"stale_items\":3"),
	  "\nKSM   stopped, 36.0K in 16.0K of frames, 20.0K saved, 3 stale\n" },
	{ 0, "top -b -n 1 --from -", KSM("\"merged_frames\":9,\"merged_mappings\":4"),
	  "\nKSM   state not known\n" },
	{ 0, "show 5 --no-header --from -", THREADS,
	  "vcpu       0    9  b        50.0     -       -     -     -     -    -    -       -  io 9, hlt 2, x 2\n"
	  "vcpu       1    7  c           -     -       -     -     -     -    -    -       -  -\n"
	  "vcpu       1    8  a           -     -       -     -     -     -    -    -       -  -\n"
	  "vmm        -    5  d           -     -       -     -     -     -    -    -       -  -\n"
	  "kernel     -    6  e           -     -       -     -     -     -    -    -       -  -\n"
	  "vmm        -    -  (ended)  10.0     -       -     -     -     -    -    -       -  -\n" },
	{ 0, "top -b -n 1 --bytes" THREE, NULL, "Mem   8589934592 total, 4294967296 available" },
	{ 0, "top -b -n 1 --bytes" THREE, NULL, "Walk  tree, 2100000ns for" },
	{ 0, "victim --sweep --bytes" THREE, NULL, "need 16384\n" },
	{ 0, "show web1 --bytes" BUSY, NULL, "  2097152   6710886  " },
	{ 0, "doctor -j vm3" THREE, NULL, "\"check\":\"merged\",\"pid\":103" },
	{ 0, "doctor --from -", "{\"version\":1,\"vms\":[],\"host\":{\"ksm\":{\"run\":0}}}",
	  "echo 1 >" },
	{ 0, "doctor --from -", "{\"version\":1,\"vms\":[{\"pid\":5,\"anon_bytes\":1}]}",
	  "does not have host.ksm.run" },
	{ 0, "doctor --from -", "{\"version\":1,\"vms\":[{\"pid\":5,\"anon_bytes\":1}]}",
	  "5 (pid 5): the document does not have its unique_bytes, self_shared_bytes" },
	{ 0, "doctor --from -", "{\"version\":1,\"vms\":[]}", "does not have sets" },
	{ 1, "doctor vm9" THREE, NULL, "there is no VM" },

	{ 0, "list --from -", CHANGED, "\nnote: " OF_ONE_INSTANT },
	{ 0, "show 5 --from -", CHANGED, "\nnote: " OF_ONE_INSTANT },
	{ 0, "matrix --from -", CHANGED, "\nnote: " OF_ONE_INSTANT },
	{ 0, "doctor --from -", CHANGED, "info     " OF_ONE_INSTANT },
	{ 0, "victim --need 1 --from -", CHANGED, "\nnote: " OF_ONE_INSTANT },
	{ 0, "victim --sweep --from -", CHANGED, "\nnote: " OF_ONE_INSTANT },
	{ 0, "place a=- b=" GOLDEN "/hostc.json", CHANGED, "\nnote: a: " OF_ONE_INSTANT },
	{ 0, "list -j --from -", CHANGED, "\"consistent\":false" },
	{ 0, "show 5 -j --from -", CHANGED, "\"consistent\":false" },
	{ 0, "matrix -j --from -", CHANGED, "\"consistent\":false" },
	{ 0, "victim --need 1 -j --from -", CHANGED, "\"consistent\":false" },
	{ 0, "victim --sweep -j --from -", CHANGED, "\"consistent\":false" },
	{ 0, "place a=- b=" GOLDEN "/hostc.json -j", CHANGED, "\"consistent\":false" },

	/* victim */
	{ 2, "victim" THREE, NULL, "or --sweep for every need" },
	{ 0, "victim -h", NULL, "usage: vmshare victim [OPTION]... --need SIZE|--sweep\n" },
	{ 0, "-h", NULL, "\n  place      [HOST=]FILE...      which hosts" },
	{ 2, "victim --need 0" THREE, NULL, "is nothing" },
	{ 2, "victim --need -1" THREE, NULL, "negative" },
	{ 2, "victim --need NaN" THREE, NULL, "not a number" },
	{ 2, "victim --need 1Q" THREE, NULL, "no unit" },
	{ 2, "victim --need 99999999999999999999999T" THREE, NULL, "larger than any memory" },
	{ 2, "victim --need 1 --cost money" THREE, NULL, "there are bytes (to be sent), time" },
	{ 2, "victim --need 1 --keep vm1 --with vm1" THREE, NULL, "cannot both leave" },
	{ 2, "victim --need 1 --with vm1 --with vm2 --max-vms 1" THREE, NULL,
	  "--with makes 2 VMs leave, and --max-vms lets no more than 1" },
	{ 2, "victim --need 1 --from - --dest -", NULL, "cannot be read twice" },
	{ 2, "victim --need 1 --max-vms 0" THREE, NULL, "vmshare: --max-vms: \"0\" is not a whole number" },
	{ 3, "victim --need 1000T" THREE, NULL, "would free 16.0K (16384 bytes)" },
	{ 3, "victim --need 16385" THREE, NULL, "cannot be freed" },
	{ 3, "victim --need 16385 -j" THREE, NULL, "\"feasible\":false" },
	{ 3, "victim --need 16385 -j" THREE, NULL, "\"error\":{\"code\":3" },
	{ 3, "victim --need 4097 --max-vms 2" THREE, NULL, "by at most 2 VMs" },
	{ 3, "victim --need 1 --keep vm3" THREE, NULL, "all 2 movable VMs together would free 0" },
	{ 0, "victim --need 4K" THREE, NULL, "proved: no other choice" },
	{ 0, "victim --need 4K -j" THREE, NULL, "\"victims\":[{\"pid\":103,\"name\":\"vm3\","
	  "\"freed_alone_bytes\":4096,\"freed_with_previous_bytes\":4096,\"cost\":32768," },
	{ 0, "victim --need 5K -j" THREE, NULL, "\"destination_growth_bytes\":98304" },
	{ 0, "victim --need 4K --with vm1 --cost count -j" THREE, NULL,
	  "{\"model\":\"count\",\"value\":2,\"unit\":\"VMs\"" },
	{ 1, "victim --need 4K --keep vm9" THREE, NULL, "there is no VM" },
	{ 1, "victim --need 1 --from -", "{\"version\":1,\"vms\":[{\"pid\":5}]}", "sets is missing" },
	{ 1, "victim --need 1 --from -", "{\"version\":1,\"vms\":[{\"pid\":5}],\"sets\":[]}",
	  "unique_bytes of the VM with pid 5 is missing" },
	{ 0, "victim --need 1 --keep 5 --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":5},{\"pid\":6,\"unique_bytes\":1,\"anon_bytes\":1}],"
	  "\"sets\":[]}", "6     6     1      1" },
	{ 0, "victim --need 10 -j --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":5,\"unique_bytes\":10,\"anon_bytes\":10,\"pinned\":true},"
	  "{\"pid\":6,\"unique_bytes\":10,\"anon_bytes\":99}],\"sets\":[]}",
	  "\"victims\":[{\"pid\":6," },
	{ 0, "victim --need 10 -j --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":5,\"unique_bytes\":10,\"anon_bytes\":10,\"cost\":7},"
	  "{\"pid\":6,\"unique_bytes\":10,\"anon_bytes\":99,\"cost\":3}],\"sets\":[]}",
	  "\"cost\":{\"model\":\"given\",\"value\":3," },
	{ 2, "victim --need 10 --with 5 --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":5,\"unique_bytes\":10,\"anon_bytes\":10,\"pinned\":true}],"
	  "\"sets\":[]}", "is pinned" },

	/* cost models */
	{ 0, "victim --need 4K --cost time --bandwidth 4K -j" THREE, NULL,
	  "{\"model\":\"time\",\"value\":8000000000,\"unit\":\"ns\"" },
	{ 0, "victim --need 4K --cost time --bandwidth 4K" THREE, NULL, "at a cost of 8s (time" },
	{ 1, "victim --need 4K --cost downtime" THREE, NULL, "--dirty-rate VM=SIZE" },
	{ 0, "victim --need 1 --cost downtime -j --from -", TWO_VMS(",\"dirty_bytes_per_s\":1099511627776"),
	  "\"victims\":[{\"pid\":6," },
	{ 0, "victim --need 1 --cost downtime --dirty-rate 5=1 --bandwidth 1G -j --from -",
	  TWO_VMS(""), "\"downtime_ns\":0,\"converges\":true" },
	{ 0, "victim --need 1 --cost downtime --dirty-rate 5=0 -j --from -", TWO_VMS(""),
	  "\"downtime_ns\":0,\"converges\":true" },
	{ 2, "victim --need 1 --dirty-rate 5 --from -", TWO_VMS(""), "is not VM=NUMBER" },
	{ 0, "victim --need 1 --weight 5=10 -j --from -", TWO_VMS(""), "\"victims\":[{\"pid\":6," },
	{ 0, "victim --need 1 --weight 5=10 --weight 6=11 -j --from -", TWO_VMS(""),
	  "{\"model\":\"weight\",\"value\":10,\"unit\":\"weight\"" },
	{ 2, "victim --need 1 --weight 5=1 --cost bytes" THREE, NULL, "goes with --cost weight" },
	{ 2, "victim --need 1 --weight 5=-1 --from -", TWO_VMS(""), "not a whole number" },
	{ 1, "victim --need 1 --weight 7=1 --from -", TWO_VMS(""), "there is no VM" },
	{ 1, "victim --need 1 --weight 5=9223372036854775807 --from -", TWO_VMS(""),
	  "add up to more than" },
	{ 0, "victim --need 1 --keep 5 --weight 5=9223372036854775807 -j --from -", TWO_VMS(""),
	  "\"victims\":[{\"pid\":6," },
	{ 0, "victim --need 8000 --from -", TWO_VMS(",\"cost\":7"), "cost of 8199 (mixed)" },
	{ 0, "victim --need 8000 -j --from -", TWO_VMS(",\"cost\":7"),
	  "{\"model\":\"bytes\",\"value\":8199,\"unit\":\"mixed\"" },
	{ 0, "victim --need 8000 --from -", TWO_VMS(",\"cost\":7"),
	  "note: 1 of the 2 costs are the document's own" },
	{ 2, "victim --need 1 --bandwidth 0" THREE, NULL, "--bandwidth: size \"0\" is nothing" },
	{ 2, "victim --need 1 --work 0" THREE, NULL, "vmshare: --work 0 leaves no step" },

	/* explanation and sweep */
	{ 0, "victim --need 16K --explain" THREE, NULL, "vm1: 32.0K promised, 0 freed, 16.0K too little" },
	{ 0, "victim --need 16K --explain -j" THREE, NULL, "\"excess_cost\":0" },
	{ 0, "victim --need 4K --explain -j" THREE, NULL, "\"lost_if_kept_bytes\":4096" },
	{ 0, "victim --need 50 --work 1 --dest h=" GOLDEN "/hostc.json --from -", PAIRS,
	  "3 of 4 movable VMs free 50" },
	{ 0, "victim --need 50 --work 1 --from -", PAIRS, "not proved: the search stopped after 1 step" },
	{ 0, "victim --need 50 --work 1 -j --from -", PAIRS, "\"optimal\":false,\"gap\":0." },
	{ 0, "victim --need 50 --work 1 --explain --from -", PAIRS, "less than the plan, which is not proved" },
	{ 0, "victim --need 50 --explain --from -", PAIRS, "2 of 4 movable VMs free 55 at a cost of 129" },
	{ 0, "victim --sweep --work 1 --points 9 --from -", PAIRS, "\n  103   231    4    proved" },
	{ 0, "victim --need 15 --max-vms 1 --explain --from -", TWINS,
	  "  5: 8 promised, 8 freed, 7 too little\n"
	  "  going on in this order never meets the need with as many VMs as may leave\n" },
	{ 0, "victim --need 8 --explain --from -", EIGHT, "  1, 2, 3, 4, 5, 6 and 2 more: 8 promised, 8 freed" },
	{ 0, "victim --need 9 --explain --from -", FREE_VM, "  cost 7, while the plan costs nothing\n" },
	{ 0, "victim --sweep" THREE, NULL, "16.0K  96.0K    3    proved" },
	{ 0, "victim --sweep" THREE, NULL, "     96.0K|" },
	{ 0, "victim --sweep -j" THREE, NULL, "\"need_bytes\":16384,\"cost\":98304" },
	{ 0, "victim --sweep" THREE, NULL, "there is 1 corner (proved)\n" },
	{ 0, "victim --sweep -j" THREE, NULL, "\"corners\":1,\"corners_complete\":true" },
	{ 0, "victim --sweep --max-vms 2 -j" THREE, NULL, "\"corners_complete\":false" },
	{ 0, "victim --sweep --from -", "{\"version\":1,\"vms\":[],\"sets\":[]}", "free 0" },
	{ 0, "victim --sweep --points 2 --cost weight --from -", THREE_PRICES,
	  "there are 3 corners (proved), of which 2 are shown" },
	{ 0, "victim --sweep" THREE, NULL, "costs at most as much as the line shows" },
	{ 2, "victim --sweep --points 1" THREE, NULL, "--points: \"1\" is not a whole number from 2" },
	{ 2, "victim --sweep --points 1001" THREE, NULL, "is not a whole number from 2 to 1000" },
	{ 2, "victim --sweep --explain" THREE, NULL, "are about one" },
	{ 2, "victim --sweep --need 4K" THREE, NULL, "are about one" },
	{ 2, "victim --need 4K --points 5" THREE, NULL, "--points is how many" },
	{ 2, "victim --need 4K --margin 1M" THREE, NULL, "--margin is what a destination keeps" },

	/* destinations */
	{ 0, "victim --need 4K" THREE HOST_B, NULL, "hostb grows by 32.0K for 1 VM and" },
	{ 0, "victim --need 4K -j" THREE HOST_B, NULL, "\"destination\":\"hostb\"" },
	{ 3, "victim --need 5K" THREE HOST_B, NULL, "does not fit: its 3 VMs need 96.0K" },
	{ 3, "victim --need 5K -j" THREE HOST_B, NULL, "\"feasible\":false" },
	{ 3, "victim --need 5K" THREE HOST_B, NULL, "nor does any other set that frees the need" },
	{ 0, "victim --need 15000 --from - --dest b=" GOLDEN "/hostb.json", TIGHT,
	  "note: a set that costs 2 does not fit the destinations" },
	{ 0, "victim --need 15000 -j --from - --dest b=" GOLDEN "/hostb.json", TIGHT,
	  "\"anywhere\":2" },
	{ 0, "victim --need 28000 --explain --from - --dest b=" GOLDEN "/hostb.json", CROWD,
	  "less than the plan, but the destinations do not take them" },
	{ 0, "victim --need 28000 --explain -j --from - --dest b=" GOLDEN "/hostb.json", CROWD,
	  "\"excess_cost\":-3,\"fits\":false" },
	{ 0, "victim --need 5K" THREE HOST_B HOST_C, NULL, "hostc grows by" },
	{ 3, "victim --need 4K --margin 90%" THREE HOST_B, NULL, "; 3 VMs left out because no destination takes it (too large, or its name" },
	{ 3, "victim --need 4K --with vm1 --margin 1M" THREE HOST_B, NULL, "has to leave (--with)" },
	{ 0, "victim --need 4K --margin 0" THREE HOST_B, NULL, "(at least 0)" },
	{ 2, "victim --need 4K --margin 100%" THREE HOST_B, NULL, "from 0% to 99%" },
	{ 2, "victim --need 4K --margin -1" THREE HOST_B, NULL, "negative" },
	{ 2, "victim --need 4K --margin %" THREE HOST_B, NULL, "from 0% to 99%" },
	{ 2, "victim --need 4K --margin x%" THREE HOST_B, NULL, "from 0% to 99%" },
	{ 2, "victim --need 4K --margin=" THREE HOST_B, NULL, "--margin: size \"\" is not a number" },
	{ 2, "victim --need 4K --work x" THREE, NULL, "--work: \"x\" is not a whole number" },
	{ 2, "victim --need 4K --dest hostc=" THREE, NULL, "\"hostc=\" names no file" },
	{ 0, "victim --need 4K --dest " CORPUS "/snapshot/hostc" THREE, NULL, "hostc grows by" },
	{ 1, "victim --need 4K --dest " GOLDEN "/none.json" THREE, NULL, "cannot open it" },
	{ 2, "victim --need 4K" THREE HOST_B HOST_B, NULL, "two snapshots are called" },
	{ 1, "victim --need 4K --dest -" THREE, "{\"version\":1,\"vms\":[]}", "mem_available_bytes" },
	{ 3, "victim --need 4K --dest a=" GOLDEN "/three.json" THREE, NULL, "3 VMs left out because" },

	/* commands */
	{ 0, "victim --need 4K --commands" THREE HOST_C, NULL,
	  "\nvirsh migrate --live --persistent --undefinesource "
	  "--domain=33333333-3333-4333-8333-333333333333 --desturi=qemu+ssh://hostc/system\n" },
	{ 0, "victim --need 4K --commands --dry-run" THREE, NULL, "qemu+ssh://\"${DEST:?}\"/system" },
	{ 0, "victim --need 4K -j --format openstack" THREE HOST_C, NULL, "\"commands\":[\"openstack" },
	{ 0, "victim --need 4K --command-template={pid}:{dest}" THREE HOST_C, NULL, "103:hostc\n" },
	{ 0, "victim --need 4K --commands" THREE, NULL, "# to be run on the host that" },
	{ 2, "victim --need 4K --command-template=" THREE, NULL, "is empty" },
	{ 2, "victim --need 4K --command-template={vm}" THREE, NULL, "is none of {name}" },
	{ 2, "victim --need 4K --format template" THREE, NULL, "needs --command-template" },
	{ 2, "victim --need 4K --format virsh --command-template={pid}" THREE, NULL,
	  "does not go with another --format than template" },
	{ 0, "victim --need 4K --format template --command-template={pid}:{dest}" THREE HOST_C, NULL,
	  "103:hostc\n" },
	{ 2, "victim --need 4K --format qm" THREE, NULL, "proxmox, kubevirt and template" },
	{ 1, "victim --need 4K --format kubevirt" THREE HOST_C, NULL, "NAMESPACE_NAME" },
	{ 1, "victim --need 4K --commands --from -",
	  "{\"version\":1,\"vms\":[{\"pid\":5,\"name\":\"a\\nb\",\"unique_bytes\":4096,"
	  "\"anon_bytes\":4096}],\"sets\":[]}", "control characters" },

	/* manage */
	{ 2, "manage --check --once", NULL, "--once does not go with another of --check" },
	{ 2, "manage --once --check", NULL, "--check does not go with another" },
	{ 2, "manage --once --status", NULL, "--status does not go with another" },
	{ 2, "manage --once --restore", NULL, "--restore does not go with another" },
	{ 2, "manage --once --replay t", NULL, "--replay does not go with another" },
	{ 2, "manage --check --apply", NULL, "--apply is for a manager that goes on running" },
	{ 2, "manage --check --record t", NULL, "--record needs a manager that measures" },
	{ 2, "manage --record=", NULL, "--record needs the name of a file" },
	{ 2, "manage --replay=", NULL, "--replay needs the name of a trace" },
	{ 2, "manage --config=", NULL, "--config needs the name of a file" },
	{ 2, "manage --dir run", NULL, "--dir needs the whole name of a directory" },
	{ 2, "manage --policy fast", NULL, "there are lending and published" },
	{ 2, "manage --interval 0.05", NULL, "\"0.05\" is not a number of seconds from 0.1 to 3600" },
	{ 2, "manage --interval 3601", NULL, "\"3601\" is not a number of seconds from 0.1 to 3600" },
	{ 2, "manage --interval 1s", NULL, "\"1s\" is not a number of seconds from 0.1 to 3600" },
	{ 2, "manage --config /dev/null --replay - --policy published --interval 0.01", NULL, "0.01" },
	{ 0, "manage --check --config /dev/null --policy published", NULL, "Policy         published" },
	{ 1, "manage --check --config /nonexistent", NULL, "/nonexistent" },
	{ 2, "manage --restore --dir /" HUNDRED, NULL, "is too long for a directory with a socket in it" },
	{ 1, "manage --restore --dir /dev/null", NULL, "Not a directory" },
	{ 1, "manage --status --dir /nonexistent", NULL, "no manager runs at /nonexistent" },
	{ 2, "tune", NULL, "tune needs a TRACE of vmshare manage --record" },
	{ 2, "tune --output= t", NULL, "--output needs the name of a file" },
	{ 1, "tune --config /nonexistent t", NULL, "/nonexistent" },

	{ 2, "manage --check --config - --interval 0.2", "[Manage]\nPeriod=500ms\n",
	  "CheckInterval must not be shorter than Period" },
	{ 0, "manage --check --config - --interval 0.5", "[Manage]\nPeriod=500ms\n",
	  "CheckInterval  500ms" },

	{ 2, "manage --check --config -", "x\n", "standard input:1: \"x\"" },
	{ 1, "manage --config - --replay " GOLDEN "/three.json", NULL, "is missing in line 1" },
	{ 1, "manage --config /dev/null --replay -", "x\n", "standard input:1: is no trace" },
	{ 1, "tune -", "{\"vmshare_trace\":1}\n{\"time_ns\":1,\"cpus\":1,\"idle_ns\":0,\"vms\":[]}\n",
	  "standard input: no load can be made of it" },
	{ 2, "tune --families --output -", NULL, "name a file, or /dev/stdout for both" },
	{ 2, "manage --check --config -", "[Manage]\nAl\033pha\\=1%\n", "no key \"Al\\x1bpha\\\\\"" },

	/* place */
	{ 2, "place a\033\\=" GOLDEN "/hostb.json a\033\\=" GOLDEN "/hostc.json", NULL,
	  "two snapshots are called \"a\\x1b\\\\\"" },
	{ 0, "place a\\=" GOLDEN "/hostb.json c=" GOLDEN "/hostc.json", NULL, "\na\\\\     0" },
	{ 0, "place -j a\\=" GOLDEN "/hostb.json c=" GOLDEN "/hostc.json", NULL,
	  "\"host\":\"a\\\\\"" },
	{ 2, "place", NULL, "needs at least 2 arguments: vmshare place [HOST=]FILE..." },
	{ 2, "place " GOLDEN "/hostb.json", NULL, "needs at least 2 arguments" },
	{ 2, "place a=- b=-", NULL, "cannot be read twice" },
	{ 2, "place a b" THREE, NULL, "it reads one snapshot per host" },
	{ 0, "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json", NULL,
	  "1 of 2 hosts can be emptied by 1 move of 64.0K" },
	{ 0, "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json -j", NULL,
	  "\"moves\":[{\"pid\":201,\"name\":\"vm9\"" },
	{ 0, "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json --commands", NULL,
	  "virsh --connect=qemu+ssh://c/system migrate --live" },
	{ 0, "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json --margin 4294967296", NULL,
	  "0 of 2 hosts" },
	{ 1, "place a=" GOLDEN "/three.json b=" GOLDEN "/three.json", NULL, "are they one host" },
	{ 0, "place a=" GOLDEN "/three.json -",
	  "{\"version\":1,\"host\":{\"mem_total_bytes\":9999999,\"mem_available_bytes\":9999999},"
	  "\"vms\":[{\"pid\":5,\"unique_bytes\":1,\"anon_bytes\":1,\"pinned\":true}],\"sets\":[]}",
	  "stays: 5 is pinned" },
	{ 0, "place a=" GOLDEN "/three.json -",
	  "{\"version\":1,\"host\":{\"mem_total_bytes\":9999999,\"mem_available_bytes\":9999999},"
	  "\"vms\":[],\"sets\":[]}", "empty hosts (1) take no VMs" },
	{ 0, "place a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json --commands -j", NULL,
	  "\"commands\":[\"virsh --connect=qemu+ssh://c/system migrate" },
	{ 0, "place --work 1 a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json", NULL,
	  "not proved: the search stopped after 2 steps" },
	{ 0, "place --work 1 -j a=" GOLDEN "/three.json c=" GOLDEN "/hostc.json", NULL, "\"optimal\":false" },
	{ 1, "place a=" GOLDEN "/three.json -", HOST("") "}", "sets is missing" },
	{ 1, "place a=" GOLDEN "/three.json -", HOST("{\"pid\":5,\"unique_bytes\":1}") ",\"sets\":[]}",
	  "anon_bytes" },
	{ 2, "place a= b=" GOLDEN "/three.json", NULL, "\"a=\" names no file" },
	{ 0, "place --unshared " GOLDEN "/hostb.json " GOLDEN "/hostc.json", NULL,
	  "no sharing is counted on" },

	/* manage */
	{ 0, "manage --check -j --config -", "[VM web \"1\"]\nWeight=7\n",
	  "\"Alpha\":\"70%\"" },
	{ 0, "manage --check -p --config -", "[VM web \"1\"]\nWeight=7\n",
	  "\"vm\": \"web \\\"1\\\"\"" },

	/* works whether the module is there or not */
	{ 0, "version", NULL, "program " },
	{ 0, "version", NULL, " (program: " },
	{ 0, "version -j", NULL, "\"cli\":\"" },
	{ 0, "doctor", NULL, "" },
};

/* Here part is what must not be said. */
static const struct row silent[] = {
	{ 0, "place -h", NULL, "--from" },
	{ 0, "place -h", NULL, "--engine" },
	{ 0, "manage -h", NULL, "--from" },
	{ 0, "tune -h", NULL, "--from" },
	{ 0, "version -h", NULL, "--from" },
	{ 0, "victim --need 1 --weight 6=5 --weight 5=9 --from -", TWO_VMS(",\"cost\":7"),
	  "document's own" },
	{ 0, "doctor --from -", "{\"version\":1,\"vms\":[]}", "the kernel has none" },
	{ 0, "doctor" BUSY, NULL, "without --window" },
	{ 0, "matrix --window 0" BUSY, NULL, "CPU over" },
	{ 0, "list" THREE, NULL, "note:" },
	{ 0, "list --no-header --from -", CHANGED, "note:" },
	{ 0, "show 5 --no-header --from -", CHANGED, "note:" },
	{ 0, "matrix --no-header --from -", CHANGED, "note:" },
	{ 0, "place a=" GOLDEN "/three.json b=" GOLDEN "/hostc.json", NULL, "note: a:" },
	{ 0, "matrix -j --window 0" BUSY, NULL, "window_ns" },
	{ 0, "snapshot --from -", UNSPLIT, "idle_wait_ns" },
	{ 0, "snapshot --from -", UNSPLIT, "unknown_wait_ns" },
	{ 3, "victim --need 16385 -j" THREE, NULL, "\"value\"" },
	{ 3, "victim --need 16385 -j" THREE, NULL, "\"freed_bytes\"" },
	{ 3, "victim --need 16385 -j" THREE, NULL, "destination_growth_bytes" },
};

struct outcome {
	int code;			/* 1000 + signal if one ended it */
	char *text;
};

static void split(char *line, char **words)
{
	size_t count = 0;
	char *word;

	words[count++] = (char *)PROGRAM;
	for (word = strtok(line, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
}

/* out is where both outputs go. */
static pid_t start(const char *line, int in, int out)
{
	char *words[WORDS_MAX + 1], *copy = strdup(line);
	pid_t pid;

	split(copy, words);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		execv(PROGRAM, words);
		_exit(127);
	}
	free(copy);
	return pid;
}

static FILE *input_file(const char *input)
{
	FILE *file = tmpfile();

	if (input)
		fputs(input, file);
	rewind(file);
	return file;
}

static struct outcome run(const char *line, const char *input)
{
	FILE *in = input_file(input), *out = tmpfile();
	struct outcome outcome = {};
	size_t size = 0;
	int status;
	pid_t pid = start(line, fileno(in), fileno(out));

	waitpid(pid, &status, 0);
	outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
	rewind(out);
	if (getdelim(&outcome.text, &size, -1, out) < 0) {
		free(outcome.text);
		outcome.text = strdup("");
	}
	fclose(in);
	fclose(out);
	return outcome;
}

static void test_rows(void)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome = run(rows[i].words, rows[i].input);

		is_number((uint64_t)outcome.code, (uint64_t)rows[i].code, "vmshare %.60s: code %d",
			  rows[i].words, rows[i].code);
		has_text(outcome.text, rows[i].part, "vmshare %.60s: output", rows[i].words);
		free(outcome.text);
	}
}

static void test_silent(void)
{
	size_t i;

	for (i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		struct outcome outcome = run(silent[i].words, silent[i].input);

		is_number((uint64_t)outcome.code, (uint64_t)silent[i].code,
			  "vmshare %.60s: code %d", silent[i].words, silent[i].code);
		ok(!strstr(outcome.text, silent[i].part), "vmshare %.60s: without %s",
		   silent[i].words, silent[i].part);
		free(outcome.text);
	}
}

/* What is printed for the example, to the letter. */
static void test_golden(void)
{
	static const char *const files[][2] = {
		{ "list" THREE, "three.list" },
		{ "show vm3" THREE, "three.show" },
		{ "matrix" THREE, "three.matrix" },
		{ "list -o vm,user,slice,cpu,ready,guest,vmm,steal,switches,inv,wakeups,exits,p50,p99"
		  BUSY, "busy.list" },
		{ "show web1" BUSY, "busy.show" },
		{ "matrix" BUSY, "busy.matrix" },
		{ "matrix web2 db1 -p" BUSY, "busy.matrix.json" },
		{ "overhead -s cpu" BUSY, "busy.overhead" },
		{ "overhead web1 -p" BUSY, "busy.overhead.json" },
		{ "victim --need 16K" THREE, "three.victim" },
		{ "victim --need 16K -p" THREE, "three.victim.json" },
		{ "snapshot -p" THREE, "three.snapshot.json" },
	};
	char path[512], *wanted;
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct outcome outcome = run(files[i][0], NULL);

		snprintf(path, sizeof(path), GOLDEN "/%s", files[i][1]);
		wanted = test_read(path);
		is_text(outcome.text, wanted ? wanted : "", "as in %s", files[i][1]);
		free(outcome.text);
		free(wanted);
	}
}

/* Every JSON output is one document of version 1. */
static void test_json(void)
{
	static const char *const lines[] = {
		"list -j" THREE, "list -p" THREE, "show vm1 -j" THREE, "matrix -j" THREE,
		"snapshot" THREE, "victim --need 1 -j" THREE, "victim --need 1T -j" THREE,
		"doctor -j" THREE, "version -j", "top -j -n 1" THREE, "nonsense -j",
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct outcome outcome = run(lines[i], NULL);
		json_t *document = json_loads(outcome.text, JSON_REJECT_DUPLICATES, NULL);

		is_number((uint64_t)json_integer_value(json_object_get(document, "version")), 1,
			  "JSON of vmshare %.40s", lines[i]);
		json_decref(document);
		free(outcome.text);
	}
}

static int code_with_output(const char *line, int out)
{
	int in = open("/dev/null", O_RDONLY), status;
	pid_t pid = start(line, in, out);

	waitpid(pid, &status, 0);
	close(in);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Output that goes nowhere is an error; a reader that hangs up is none to shout about. */
static void test_output(void)
{
	int full = open("/dev/full", O_WRONLY), read_only = open("/dev/null", O_RDONLY);
	int ends[2];

	is_number((uint64_t)code_with_output("list" THREE, full), 1, "a full disk");
	is_number((uint64_t)code_with_output("-h", full), 1, "a full disk, for the help");
	is_number((uint64_t)code_with_output("list" THREE, read_only), 1, "no way to write");
	if (pipe(ends))
		return;
	close(ends[0]);
	is_number((uint64_t)code_with_output("list" THREE, ends[1]), 1000 + SIGPIPE,
		  "nobody reads: ended by SIGPIPE, without a word");
	close(ends[1]);
	close(full);
	close(read_only);
}

/* Every verb takes every common option. */
static void test_common(void)
{
	static const char *const verbs[] = {
		"list" THREE, "show vm1" THREE, "top -n 1" THREE, "matrix" THREE,
		"victim --need 1" THREE, "snapshot" THREE, "doctor" THREE, "version",
	};
	static const char *const options[] = {
		"-j", "-p", "--bytes", "-o vm,freed", "-s freed", "--no-header", "--color=always",
		"--engine auto", "-h",
	};
	char line[512];
	size_t i, j;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		for (j = 0; j < sizeof(options) / sizeof(options[0]); j++) {
			struct outcome outcome;

			snprintf(line, sizeof(line), "%s %s", verbs[i], options[j]);
			outcome = run(line, NULL);
			ok(!outcome.code && *outcome.text, "%s takes %s", verbs[i], options[j]);
			free(outcome.text);
		}
	}
}

/* What the program says on standard error while standard output is a full disk. */
static void test_reason(const char *line)
{
	char command[1024], *said = NULL;
	size_t size = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s %s 2>&1 >/dev/full", PROGRAM, line);
	fflush(stdout);
	pipe = popen(command, "r");
	if (!pipe || getdelim(&said, &size, -1, pipe) < 0)
		ok(false, "%s: says why", line);
	else
		has_text(said, "No space left on device", "%s: says why", line);
	if (pipe)
		pclose(pipe);
	free(said);
}

/* The name of a trace may be longer than any width that is chosen beforehand. */
static void test_tune(void)
{
	struct outcome outcome = run("tune " CORPUS "/trace/short", NULL);
	const char *title = strstr(outcome.text, "LOADS"), *all = strstr(outcome.text, "all  ");
	const char *part = title ? strstr(title, "PART") : NULL;
	const char *training = all ? strstr(all, "training") : NULL;

	ok(part && training && part - title == training - all,
	   "vmshare tune: columns are below their titles");
	free(outcome.text);
}

/* A manager that answers once. */
static pid_t start_manager(const char *dir, const char *text)
{
	struct control control;
	struct pollfd asked;
	struct error err;
	pid_t pid;

	if (control_open(&control, dir, &err) || control_listen(&control, &err))
		return -1;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		asked = (struct pollfd){ .fd = control.listen_fd, .events = POLLIN };
		if (poll(&asked, 1, 10000) == 1)
			control_answer(&control, text);
		control_close(&control);
		test_leave(0);
	}
	close(control.listen_fd);
	close(control.lock_fd);
	return pid;
}

#define STATUS "{\"pid\":7,\"apply\":true,\"policy\":\"lending\",\"t_check_ns\":250000000,\"checks\":9," \
	"\"contended\":true,\"vms\":[{\"pid\":5,\"name\":\"a\\u009b\",\"class\":\"batch\",\"usage_millicpus\":1234," \
	"\"guarantee_millicpus\":1000,\"quota_ns\":50000000,\"period_ns\":100000000,\"actuator\":\"cgroup2\"," \
	"\"reason\":\"because\"},{\"pid\":6,\"reason\":\"left\\nalone\"}]}"

static void test_status(void)
{
	static const struct {
		const char *option, *text;
		int code;
		const char *part;
	} answers[] = {
		{ "", STATUS, 0,
		  "manager 7: applies, policy lending, a check every 0.25 s, 9 checks, CPUs contended\n"
		  "VM       CLASS   CPU%  WANTS   SURE  QUOTA  BY       WHY\n"
		  "a\\u{9b}  batch  123.4      -  100.0   50.0  cgroup2  because\n"
		  "6        -          -      -      -   none  -        left\\x0aalone\n" },
		{ " --no-header", "{\"vms\":[{\"pid\":6}]}", 0, "6   -         -      -     -   none  -   -\n" },
		{ " -j", STATUS, 0, "\"usage_millicpus\":1234" },
		{ "", "{\"policy\":\"\\u001b[2J\",\"vms\":[]}", 0, "policy \\x1b[2J," },
		{ " --no-header", "{\"vms\":[{\"pid\":6,\"class\":\"\\u001b[2J\",\"actuator\":\"\\u009b\"}]}", 0,
		  "6   \\x1b[2J" },
		{ " --no-header", "{\"vms\":[{\"pid\":6,\"actuator\":\"\\u009b\"}]}", 0, "none  \\u{9b}" },
		{ "", "{}", 0, "manager 0: observes only, policy -, a check every 0 s, 0 checks, CPUs not contended\n" },
		{ "", "{\"vms\":[", 1, "answer is cut short" },
		{ "", "", 1, "did not answer within 5 s" },
	};
	char line[600], dir[512];
	struct outcome outcome;
	pid_t manager;
	size_t i;

	snprintf(dir, sizeof(dir), "%.80s/status", test_root());
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		manager = start_manager(dir, answers[i].text);
		snprintf(line, sizeof(line), "manage --status --dir %s%s", dir, answers[i].option);
		outcome = run(line, NULL);
		is_number((uint64_t)outcome.code, (uint64_t)answers[i].code, "status %zu: code", i);
		has_text(outcome.text, answers[i].part, "status %zu: what is said", i);
		free(outcome.text);
		waitpid(manager, NULL, 0);
	}
}

/* More than goes into a socket or a buffer at once. */
static void test_long_status(void)
{
	size_t len = 150000, head = strlen("{\"x\":\"");
	char *text = malloc(len + 1), line[600], dir[512];
	struct outcome outcome;
	pid_t manager;

	snprintf(dir, sizeof(dir), "%.80s/status", test_root());
	memset(text, 'x', len);
	memcpy(text, "{\"x\":\"", head);
	memcpy(text + len - 2, "\"}", 3);
	manager = start_manager(dir, text);
	snprintf(line, sizeof(line), "manage --status -j --dir %s", dir);
	outcome = run(line, NULL);
	is_number((uint64_t)outcome.code, 0, "a long status");
	is_number(strlen(outcome.text), len + 1, "arrives as a whole");
	free(outcome.text);
	free(text);
	waitpid(manager, NULL, 0);
}

static void test_restore(void)
{
	struct outcome outcome;
	char line[600];

	snprintf(line, sizeof(line), "manage --restore -j --dir %s/run", test_root());
	outcome = run(line, NULL);
	is_number((uint64_t)outcome.code, 0, "nothing to put back");
	is_text(outcome.text, "{\"version\":1,\"failed\":0}\n", "as JSON");
	free(outcome.text);
}

/* What is in place of the file that a limit would be put back into is none. */
static void test_restore_in_vain(void)
{
	struct outcome outcome;
	char line[600], journal[1024];

	snprintf(journal, sizeof(journal), "{\"version\":1,\"vms\":[{\"pid\":1,\"start_time_ns\":1,"
		 "\"actuator\":\"cgroup2\",\"place\":\"%s/vain\",\"found\":{},\"before\":{},\"next\":{}}]}",
		 test_root());
	test_file("/vain/cpu.max/x", "", 0);
	test_file("/run/manage.journal", journal, strlen(journal));
	snprintf(line, sizeof(line), "manage --restore --dir %s/run", test_root());
	outcome = run(line, NULL);
	is_number((uint64_t)outcome.code, 1, "limits that cannot be put back: code");
	has_text(outcome.text, "limits are NOT as they were found: cannot read", "of which VM, and why");
	has_text(outcome.text, "the limits of 1 VM could not be put back", "and how many");
	free(outcome.text);
}

/* Nothing is secret to root. */
static void test_unreadable(void)
{
	char path[512], line[600];
	struct outcome outcome;

	test_file("/unreadable.json", "{}", 2);
	snprintf(path, sizeof(path), "%s/unreadable.json", test_root());
	snprintf(line, sizeof(line), "list --from %s", path);
	if (!geteuid() || chmod(path, 0))
		return;
	outcome = run(line, NULL);
	is_number((uint64_t)outcome.code, 5, "a document that may not be read");
	free(outcome.text);
}

static void test_closed_stdout(void)
{
	char command[1024];
	int status;

	snprintf(command, sizeof(command), "%s list%s >&- 2>/dev/null", PROGRAM, THREE);
	fflush(stdout);
	status = system(command);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 1, "standard output closed");
}

void test_cmdline(void)
{
	setenv("NO_COLOR", "1", 1);
	test_rows();
	test_silent();
	test_common();
	test_golden();
	test_json();
	test_output();
	test_reason("list" THREE);
	test_reason("top -b -n 1" THREE);
	test_tune();
	test_status();
	test_long_status();
	test_restore();
	test_restore_in_vain();
	test_unreadable();
	test_closed_stdout();
}
