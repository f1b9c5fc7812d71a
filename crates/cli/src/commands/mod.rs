//! The commands, one file each.

mod cases;
mod check;
mod completions;
mod ctl;
mod demo;
mod diagnose;
mod evaluate;
mod evidence;
mod explain;
mod gradcheck;
mod lr_find;
mod new;
mod overfit;
mod predict;
mod recipe_argument;
mod rules;
mod run;
mod runs;
mod subject;
mod summary;
mod train;
mod trained;

use crate::context::Context;
use crate::exit::{ExitCode, WRONG};
use crate::screen::ColorChoice;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Trains neural networks, watches any training run, and says what went wrong: at which step, in which layer and which operation,
/// why, and what fixes it.
#[derive(Debug, Parser)]
#[command(
    name = "barograph",
    version,
    max_term_width = 100,
    after_help = "Begin here:\n  barograph demo                    a training that breaks, and its repair, in seconds\n  \
                  barograph new --data my.csv       a first recipe for your own data\n  barograph train recipe.toml       \
                  train it; the report says how it went\n\nExit codes:\n  0  all is well\n  1  something was found, see --fail-on\n  2  wrong usage or \
                  input\n  130  interrupted"
)]
struct Arguments {
    /// Colour: auto (on a terminal, unless NO_COLOR is set), always or never.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto, hide_possible_values = true)]
    color: ColorChoice,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    New(new::New),
    Check(check::Check),
    Summary(summary::SummaryCommand),
    LrFind(lr_find::LrFind),
    #[command(name = "gradcheck")]
    GradCheck(gradcheck::GradCheck),
    Overfit(overfit::OverfitCommand),
    Train(train::Train),
    Evaluate(evaluate::Evaluate),
    Predict(predict::Predict),
    Ctl(ctl::Ctl),
    Run(run::Run),
    Diagnose(diagnose::Diagnose),
    Runs(runs::Runs),
    Rules(rules::Rules),
    Explain(explain::Explain),
    Completions(completions::Completions),
    #[command(hide = true)]
    Cases(cases::Cases),
}

/// Runs the program with these arguments, the first being its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { WRONG } else { 0 });
        }
    };
    let context = Context::new(arguments.color);
    let outcome = match arguments.command {
        Command::Demo(command) => command.run(&context),
        Command::New(command) => command.run(),
        Command::Check(command) => command.run(&context),
        Command::Summary(command) => command.run(&context),
        Command::LrFind(command) => command.run(&context),
        Command::GradCheck(command) => command.run(&context),
        Command::Overfit(command) => command.run(&context),
        Command::Train(command) => command.run(&context),
        Command::Evaluate(command) => command.run(&context),
        Command::Predict(command) => command.run(&context),
        Command::Ctl(command) => command.run(&context),
        Command::Run(command) => command.run(),
        Command::Diagnose(command) => command.run(&context),
        Command::Runs(command) => command.run(&context),
        Command::Rules(command) => command.run(&context),
        Command::Explain(command) => command.run(&context),
        Command::Completions(command) => command.run(),
        Command::Cases(command) => command.run(),
    };
    outcome.unwrap_or_else(|error| {
        context.fail(&error);
        ExitCode::from(WRONG)
    })
}
