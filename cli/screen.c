// SPDX-License-Identifier: GPL-2.0
/* Drawing with ncurses: what was made into lines elsewhere. */
#include "screen.h"

#include <fcntl.h>
#include <langinfo.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detail.h"
#include "footer.h"
#include "lines.h"
#include "meters.h"
#include "text.h"
#include "units.h"

struct screen {
	FILE *keys;			/* the terminal, when standard input is none */
	SCREEN *curses;
	bool color;
	size_t top;			/* first line of rows shown */
};

/* Colours, where there are any; else what every terminal has. */
enum { PAIR_NONE, PAIR_VM, PAIR_OTHER, PAIR_TITLE, PAIR_SELECTED, PAIR_TAGGED, PAIR_NAME,
       PAIR_READY, PAIR_KEY };

static void init_colors(struct screen *screen, bool color)
{
	if (!color || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	init_pair(PAIR_VM, COLOR_GREEN, -1);
	init_pair(PAIR_OTHER, COLOR_RED, -1);
	init_pair(PAIR_TITLE, COLOR_BLACK, COLOR_GREEN);
	init_pair(PAIR_SELECTED, COLOR_BLACK, COLOR_CYAN);
	init_pair(PAIR_TAGGED, COLOR_YELLOW, -1);
	init_pair(PAIR_NAME, COLOR_CYAN, -1);
	init_pair(PAIR_READY, COLOR_MAGENTA, -1);
	init_pair(PAIR_KEY, COLOR_BLACK, COLOR_CYAN);
	screen->color = true;
}

/* With a document on standard input the keys come from the terminal itself. */
static FILE *open_keys(void)
{
	return isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
}

int screen_open(struct screen **result, bool color, struct error *err)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		return error_no_memory(err);
	screen->keys = open_keys();
	screen->curses = screen->keys ? newterm(NULL, stdout, screen->keys) : NULL;
	if (!screen->curses) {
		screen_close(screen);
		return error_set(err, EXIT_RUNTIME,
				 "cannot use this terminal (TERM=%s); try vmshare top -b",
				 getenv("TERM") ? getenv("TERM") : "");
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	init_colors(screen, color);
	*result = screen;
	return 0;
}

void screen_close(struct screen *screen)
{
	if (!screen)
		return;
	if (screen->curses) {
		endwin();
		delscreen(screen->curses);
	}
	if (screen->keys && screen->keys != stdin)
		fclose(screen->keys);
	free(screen);
}

int screen_fd(const struct screen *screen)
{
	return fileno(screen->keys);
}

int screen_key(struct screen *screen)
{
	static const struct {
		int curses;
		int key;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP },		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP },	{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },	{ KEY_END, TOP_KEY_END },
		{ KEY_ENTER, TOP_KEY_ENTER },	{ '\r', TOP_KEY_ENTER },
		{ '\n', TOP_KEY_ENTER },	{ 27, TOP_KEY_ESCAPE },
		{ KEY_BACKSPACE, TOP_KEY_BACKSPACE }, { 127, TOP_KEY_BACKSPACE },
		{ 8, TOP_KEY_BACKSPACE },	{ KEY_RESIZE, TOP_KEY_RESIZE },
		{ KEY_LEFT, TOP_KEY_LEFT },	{ KEY_RIGHT, TOP_KEY_RIGHT },
	};
	int pressed = getch();
	size_t i;

	(void)screen;
	if (pressed == ERR)
		return -1;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].curses == pressed)
			return keys[i].key;
	}
	if (pressed >= KEY_F(1) && pressed <= KEY_F(10))
		return TOP_KEY_F1 + pressed - KEY_F(1);
	return pressed < 0x100 ? pressed : TOP_KEY_RESIZE;
}

static attr_t look(const struct screen *screen, int pair, attr_t plain)
{
	return screen->color ? (attr_t)COLOR_PAIR(pair) : plain;
}

static attr_t style_look(const struct screen *screen, enum style style)
{
	switch (style) {
	case STYLE_TITLE:
		return look(screen, PAIR_TITLE, A_REVERSE);
	case STYLE_GROUP:
		return look(screen, PAIR_NAME, A_BOLD) | A_BOLD;
	case STYLE_SELECTED:
		return look(screen, PAIR_SELECTED, A_REVERSE);
	case STYLE_TAGGED:
		return look(screen, PAIR_TAGGED, A_BOLD) | A_BOLD;
	case STYLE_GRAPH_RUN:
		return look(screen, PAIR_VM, A_NORMAL);
	case STYLE_GRAPH_READY:
		return look(screen, PAIR_READY, A_NORMAL);
	case STYLE_GRAPH_MEMORY:
		return look(screen, PAIR_NAME, A_NORMAL);
	default:
		return A_NORMAL;
	}
}

/* One line from x on, cut at the right edge; a background goes to the end of it. */
static void draw_text(int y, int x, const char *text, attr_t attributes, bool background)
{
	if (y < 0 || y >= LINES || x >= COLS)
		return;
	attrset((int)attributes);
	mvaddnstr(y, x, text, (int)text_fit(text, (size_t)(COLS - x)));
	attrset(A_NORMAL);
	if (background)
		mvchgat(y, x, -1, attributes & ~A_COLOR, (short)PAIR_NUMBER(attributes), NULL);
}

static bool has_background(enum style style)
{
	return style == STYLE_TITLE || style == STYLE_SELECTED;
}

/* Lines from the one with that number on, down to the line before "to". */
static int draw_lines(const struct screen *screen, const struct lines *lines, size_t first, int y,
		      int to)
{
	for (; first < lines->count && y < to; first++, y++) {
		const struct line *line = &lines->line[first];

		draw_text(y, 0, line->text, style_look(screen, line->style),
			  has_background(line->style));
	}
	return y;
}

/* The bars */

static void draw_meter(const struct screen *screen, int y, const struct meter *meter)
{
	static const int pairs[METER_PARTS] = { PAIR_VM, PAIR_OTHER };
	size_t width = COLS > 7 ? (size_t)COLS - 6 : 1, filled[METER_PARTS], i, j;
	size_t label = strlen(meter->label);
	int x = 4;

	draw_text(y, 0, meter->title, look(screen, PAIR_NAME, A_BOLD), false);
	draw_text(y, 3, "[", A_BOLD, false);
	meter_fill(meter, width, filled);
	for (i = 0; i < METER_PARTS; i++) {
		for (j = 0; j < filled[i]; j++)
			draw_text(y, x++, i ? "#" : "|", look(screen, pairs[i], A_NORMAL), false);
	}
	draw_text(y, COLS - 2, "]", A_BOLD, false);
	if (label + 1 < width)
		draw_text(y, COLS - 2 - (int)label, meter->label, A_BOLD, false);
}

/* What the machine is, and how old the numbers are. */
static void draw_headline(int y, const struct scene *scene)
{
	char line[512], kernel[256], age[UNITS_TEXT], walk[UNITS_TEXT];
	const struct facts *host = &scene->snap->host;
	uint64_t taken, took;
	int used;

	text_escape(scene->snap->kernel ? scene->snap->kernel : "-", kernel, sizeof(kernel));
	used = snprintf(line, sizeof(line), "vmshare  %zu VM%s  %.64s", scene->snap->n_vms,
			text_plural(scene->snap->n_vms), kernel);
	if (facts_get(host, HOST_WALK_NS, &took))
		used += snprintf(line + used, sizeof(line) - (size_t)used, "  %s walk %s",
				 scene->snap->engine == ENGINE_UNKNOWN ? "" :
				 engine_name(scene->snap->engine), units_duration(took, walk));
	if (facts_get(host, HOST_TIME_NS, &taken) && scene->now_ns >= taken)
		snprintf(line + used, sizeof(line) - (size_t)used, ", %s ago",
			 units_duration(scene->now_ns - taken, age));
	draw_text(y, 0, line, A_BOLD, false);
}

static int draw_header(const struct screen *screen, const struct scene *scene)
{
	struct meter meters[METERS];
	int i;

	if (LINES < 8)
		return 0;
	meters_of(meters, scene->snap, scene->before);
	draw_headline(0, scene);
	for (i = 0; i < METERS; i++)
		draw_meter(screen, 1 + i, &meters[i]);
	return 1 + METERS;
}

/* The rows */

/* All rows as a table's text: every line as wide as its longest cells want. */
static char *render(const struct scene *scene, const struct topstate *state)
{
	struct columns visible;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	topstate_visible(state, &visible);
	view_render(scene->view, &visible, scene->options, out);
	fclose(out);
	return text;
}

static void add_group(struct lines *lines, const struct scene *scene, size_t row)
{
	const struct vm *vm = scene->view->rows[row].vm;
	char user[256], slice[256], text[256];
	struct together together;

	together_owner(&together, scene->snap, scene->view, row);
	together_text(&together, false, text, sizeof(text));
	text_escape(vm->user ? vm->user : "-", user, sizeof(user));
	text_escape(vm->slice ? vm->slice : "-", slice, sizeof(slice));
	lines_add(lines, STYLE_GROUP, "%s  %s: %s", user, slice, text);
}

static enum style row_style(const struct topstate *state, const struct vm *vm, size_t row)
{
	if (row == state->selected)
		return STYLE_SELECTED;
	return topstate_is_tagged(state, vm) ? STYLE_TAGGED : STYLE_PLAIN;
}

/* Titles, then rows with the groups between; says which line is the selected one. */
static size_t row_lines(struct lines *lines, const struct scene *scene,
			const struct topstate *state)
{
	char *text = render(scene, state), *at = text;
	size_t selected = 0, row;

	for (row = 0; at && *at; row++) {
		const struct row *rows = scene->view->rows;
		size_t len = strcspn(at, "\n");

		if (row && state->tree &&
		    (row == 1 || !top_same_owner(rows[row - 2].vm, rows[row - 1].vm)))
			add_group(lines, scene, row - 1);
		if (row && row - 1 == state->selected)
			selected = lines->count;
		lines_add(lines, row ? row_style(state, rows[row - 1].vm, row - 1) : STYLE_TITLE,
			  "%s%.*s", !row ? " " : topstate_is_tagged(state, rows[row - 1].vm) ?
			  "*" : " ", (int)len, at);
		at += len + (at[len] == '\n');
	}
	free(text);
	return selected;
}

/* The title of the column that rows are sorted by stands out. */
static void mark_sorted(const struct screen *screen, int y, const char *titles,
			const struct topstate *state)
{
	const char *title = state->sort ? state->sort->title : "", *at = titles;
	size_t len = strlen(title);

	while (*title && (at = strstr(at, title))) {
		if ((at == titles || at[-1] == ' ') && (at[len] == ' ' || !at[len])) {
			draw_text(y, (int)(at - titles), title,
				  look(screen, PAIR_SELECTED, A_BOLD), false);
			return;
		}
		at += len;
	}
}

/* Scrolls just as far as the selected line asks for. */
static void scroll_to(struct screen *screen, size_t selected, size_t count, size_t room)
{
	if (selected < screen->top)
		screen->top = selected;
	if (selected >= screen->top + room)
		screen->top = selected - room + 1;
	if (screen->top >= count)
		screen->top = 0;
}

static void draw_rows(struct screen *screen, int y, const struct scene *scene,
		      struct topstate *state)
{
	int bottom = LINES > 4 ? LINES - 2 : LINES;
	size_t room = bottom - y > 1 ? (size_t)(bottom - y - 1) : 1, selected;
	struct lines lines = {};

	state->page = room;
	selected = row_lines(&lines, scene, state);
	if (lines.count) {
		struct lines titles = { lines.line, 1 }, rows = { lines.line + 1, lines.count - 1 };

		scroll_to(screen, selected ? selected - 1 : 0, rows.count, room);
		draw_lines(screen, &titles, 0, y, bottom);
		mark_sorted(screen, y, lines.line[0].text, state);
		draw_lines(screen, &rows, screen->top, y + 1, bottom);
	}
	lines_free(&lines);
}

/* The two lines at the bottom */

static void draw_footer(const struct screen *screen, const struct scene *scene,
			const struct topstate *state)
{
	char line[1024], text[256], filter[4 * TOP_INPUT + 1];
	struct together together;

	text_escape(state->mode == TOP_ROWS ? state->filter : state->input, filter,
		    sizeof(filter));
	if (state->mode == TOP_FILTER || state->mode == TOP_SEARCH) {
		snprintf(line, sizeof(line), "%s: %s_",
			 state->mode == TOP_FILTER ? "filter" : "search", filter);
	} else if (state->n_tags) {
		together_tagged(&together, scene->snap, state);
		together_text(&together, true, text, sizeof(text));
		snprintf(line, sizeof(line), "tagged %s", text);
	} else {
		snprintf(line, sizeof(line), "%zu VMs by %s%s%s%s%s%s", scene->view->count,
			 state->sort ? state->sort->title : "PID",
			 state->invert ? " inverted" : "", *filter ? "  filter: " : "", filter,
			 scene->notice ? "  " : "", scene->notice ? scene->notice : "");
	}
	draw_text(LINES - 2, 0, line, state->n_tags ? look(screen, PAIR_TAGGED, A_BOLD) : A_BOLD,
		  false);
}

static void draw_keys(const struct screen *screen, const struct topstate *state)
{
	static const char *const rows[] = { "F1", "Help", "F2", "Fields", "F3", "Search", "F4",
					    "Filter", "F5", "Tree", "F6", "Sort", "Space", "Tag",
					    "Enter", "VM", "F10", "Quit", NULL };
	static const char *const fields[] = { "Space", "Show", "< >", "Move", "s", "Sort", "Enter",
					      "Done", NULL };
	static const char *const order[] = { "Enter", "Sort", "Esc", "Done", NULL };
	static const char *const detail[] = { "Up Down", "Scroll", "Esc", "Back", NULL };
	const char *const *keys = state->mode == TOP_FIELDS ? fields :
				  state->mode == TOP_ORDER ? order :
				  state->mode == TOP_DETAIL ? detail : rows;
	int x = 0;

	for (; *keys; keys += 2) {
		draw_text(LINES - 1, x, keys[0], look(screen, PAIR_NONE, A_BOLD), false);
		x += (int)strlen(keys[0]);
		draw_text(LINES - 1, x, keys[1], look(screen, PAIR_KEY, A_REVERSE), false);
		x += (int)strlen(keys[1]) + 1;
	}
}

/* The other screens */

static void draw_help(const struct screen *screen)
{
	struct lines lines = {};

	lines_add_text(&lines, STYLE_PLAIN, STYLE_PLAIN, topstate_help);
	draw_lines(screen, &lines, 0, 0, LINES);
	lines_free(&lines);
}

static size_t field_lines(struct lines *lines, const struct topstate *state)
{
	const struct column *column;
	size_t selected = 0, i;

	for (i = 0; (column = topstate_field(state, i)); i++) {
		bool shown = topstate_is_shown(state, column);

		if (state->mode == TOP_ORDER && !shown)
			break;
		if (column == state->field)
			selected = i;
		lines_add(lines, column == state->field ? STYLE_SELECTED : STYLE_PLAIN,
			  "[%c]%c %-9s %s", shown ? 'x' : ' ', column == state->sort ? '*' : ' ',
			  column->title, column->help);
	}
	return selected;
}

static void draw_fields(struct screen *screen, const struct topstate *state)
{
	size_t room = LINES > 2 ? (size_t)LINES - 2 : 1, selected, first = 0;
	struct lines lines = {};

	selected = field_lines(&lines, state);
	if (selected >= room)
		first = selected - room + 1;
	draw_text(0, 0, state->mode == TOP_FIELDS ? "Columns, in their order" : "Sort by",
		  style_look(screen, STYLE_TITLE), true);
	draw_lines(screen, &lines, first, 1, LINES - 1);
	lines_free(&lines);
}

static bool is_unicode(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static void draw_detail(const struct screen *screen, const struct scene *scene,
			struct topstate *state)
{
	const struct row *row = topstate_detail(state, scene->view);
	struct lines lines = {};

	if (!row) {
		draw_text(0, 0, "this VM has gone, or the filter hides it", A_BOLD, false);
		return;
	}
	detail_lines(&lines, scene->snap, row, history_of(scene->history, row->vm),
		     (size_t)COLS, is_unicode());
	if (state->scroll + 1 > lines.count)
		state->scroll = lines.count ? lines.count - 1 : 0;
	draw_lines(screen, &lines, state->scroll, 0, LINES - 1);
	lines_free(&lines);
}

void screen_draw(struct screen *screen, const struct scene *scene, struct topstate *state)
{
	erase();
	if (state->mode == TOP_HELP) {
		draw_help(screen);
	} else if (state->mode == TOP_FIELDS || state->mode == TOP_ORDER) {
		draw_fields(screen, state);
	} else if (state->mode == TOP_DETAIL) {
		draw_detail(screen, scene, state);
	} else {
		draw_rows(screen, draw_header(screen, scene), scene, state);
		if (LINES > 4)
			draw_footer(screen, scene, state);
	}
	if (state->mode != TOP_HELP && LINES > 4)
		draw_keys(screen, state);
	refresh();
}
