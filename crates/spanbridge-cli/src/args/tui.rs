//! `spanbridge tui`.

use clap::Args;

#[derive(Args, Debug)]
#[command(after_help = TUI)]
pub(crate) struct Tui {
    /// A run, a trace or a span to open [default: the list of runs]
    pub(crate) id: Option<String>,
    /// Draw with ASCII characters alone; the default if the locale is not UTF-8
    #[arg(long)]
    pub(crate) ascii: bool,
}

const TUI: &str = "Press ? for the keys that work where you are. The most important ones:
  enter  open a run, follow a link  ]  the next failure        c  the critical path
  esc    back to where you were     /  search, or paste an id  w  why it failed
  tab    the details of a step      f  only what failed        d  what doctor finds
  space  hold the screen still      q  quit

The search of the list takes the options of `spanbridge runs`: `status=error service=billing since=1h charge`, and attributes, \
such as `order.id=17`.

Examples:
  spanbridge tui
  spanbridge tui 4bf92f35
  spanbridge tui --ascii --color never";
