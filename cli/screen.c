// SPDX-License-Identifier: GPL-2.0
/* Drawing with ncurses: what was rendered as text elsewhere, line by line. */
#include "screen.h"

#include <fcntl.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

struct screen {
	FILE *keys;			/* the terminal, when standard input is none */
	SCREEN *curses;
	size_t top;			/* first row shown */
};

/* With a document on standard input the keys come from the terminal itself. */
static FILE *open_keys(void)
{
	return isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
}

int screen_open(struct screen **result, struct error *err)
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
		{ 8, TOP_KEY_BACKSPACE },	{ KEY_F(1), TOP_KEY_HELP },
		{ KEY_RESIZE, TOP_KEY_RESIZE },
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
	return pressed < 0x100 ? pressed : TOP_KEY_RESIZE;
}

/* One line, cut at the right edge, its background to the end of the line. */
static void draw_line(int y, const char *text, size_t len, attr_t attributes)
{
	char line[4096];

	snprintf(line, sizeof(line), "%.*s", (int)len, text);
	attrset((int)attributes);
	mvaddnstr(y, 0, line, (int)text_fit(line, (size_t)COLS));
	if (attributes)
		mvchgat(y, 0, -1, attributes, 0, NULL);
	attrset(A_NORMAL);
}

/* Draws the lines of a text from y on; returns the line behind them. */
static int draw_lines(int y, const char *text, attr_t attributes)
{
	while (*text && y < LINES) {
		size_t len = strcspn(text, "\n");

		draw_line(y++, text, len, attributes);
		text += len + (text[len] == '\n');
	}
	return y;
}

/* The rows that fit, as the text of a table with its line of titles. */
static char *render(const struct view *view, size_t from, size_t rows,
		    const struct columns *columns, const struct options *options)
{
	struct view part = { .rows = view->rows + from, .count = rows };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	view_render(&part, columns, options, out);
	fclose(out);
	return text;
}

/* Scrolls just as far as the selected row asks for. */
static void scroll_to(struct screen *screen, const struct view *view,
		      const struct topstate *state)
{
	if (state->selected < screen->top)
		screen->top = state->selected;
	if (state->selected >= screen->top + state->page)
		screen->top = state->selected - state->page + 1;
	if (screen->top >= view->count)
		screen->top = 0;
}

static void draw_rows(struct screen *screen, int y, const struct view *view,
		      struct topstate *state, const struct options *options)
{
	size_t room = LINES - y > 3 ? (size_t)(LINES - y - 2) : 1, rows;
	char *text, *line;
	size_t i;

	state->page = room;
	scroll_to(screen, view, state);
	rows = view->count - screen->top < room ? view->count - screen->top : room;
	text = render(view, screen->top, rows, state->columns, options);
	for (i = 0, line = text; line && *line; i++) {
		size_t len = strcspn(line, "\n");
		bool selected = i && screen->top + i - 1 == state->selected;

		draw_line(y++, line, len, !i ? A_BOLD : selected ? A_REVERSE : A_NORMAL);
		line += len + (line[len] == '\n');
	}
	free(text);
}

static void draw_status(const struct view *view, const struct topstate *state)
{
	char line[512], filter[4 * TOP_INPUT + 1];

	text_escape(state->mode == TOP_ROWS ? state->filter : state->input, filter,
		    sizeof(filter));
	if (state->mode == TOP_FILTER)
		snprintf(line, sizeof(line), "filter: %s_", filter);
	else if (state->mode == TOP_SEARCH)
		snprintf(line, sizeof(line), "search: %s_", filter);
	else
		snprintf(line, sizeof(line), "%zu VMs by %s%s%s%s   ? help  q quit", view->count,
			 state->sort ? state->sort->title : "PID",
			 state->invert ? " inverted" : "", *filter ? "  filter: " : "", filter);
	draw_line(LINES - 1, line, strlen(line), A_REVERSE);
}

void screen_draw(struct screen *screen, const char *header, const struct view *view,
		 struct topstate *state, const struct options *options)
{
	int y;

	erase();
	if (state->mode == TOP_HELP) {
		draw_lines(0, topstate_help, A_NORMAL);
	} else {
		y = draw_lines(0, header, A_NORMAL);
		draw_rows(screen, y, view, state, options);
		draw_status(view, state);
	}
	refresh();
}
