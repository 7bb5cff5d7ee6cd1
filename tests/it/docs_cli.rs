//! The reference page of the command line is what the binary says of itself.

use std::fmt::Write as _;

use anyhow::Result;
use clap::{Arg, ArgAction, Command};
use tagalong::settings::keys::{KEYS, flag};

use crate::docs::assert_page;

const INTRO: &str = "# The command line

<!-- Made from src/cli; a test compares the two. -->

Results go to standard output, everything else to standard error. With `--output json` nothing but one JSON value is written to standard output, and
nothing at all where there is no result.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed; what failed, why and what to do about it is on standard error, or in the result |
| 2 | something is left: `plan --detailed-exitcode` found differences, `apply` left what is held, `compare` saw what would be held |
| 64 | the command line itself is wrong |

With a folder or a repository, an environment and an address on the command line no settings file is needed, and none is read that was not named.
Flags lie over variables, variables over the file: [settings](settings.md). The variable `NO_COLOR`, set to anything but an empty text, keeps colour out.

What a plan means: `+` is created, `~` changed, `-` deleted, `@` restarted, `!` held, `?` cannot be compared. `unmanaged` connectors are not declared; they
are listed, and never touched. The JSON forms are in [status-api.md](status-api.md).
";

#[test]
fn the_page_of_the_command_line_is_what_the_binary_says() -> Result<()> {
    let mut tagalong = tagalong::cli::command();
    tagalong.build();
    let mut text = INTRO.to_owned();
    let mut shared: Vec<(String, Vec<Arg>)> = Vec::new();
    let commands =
        tagalong.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set());
    for command in commands {
        of_command(&mut text, command, &mut shared)?;
    }
    text.push_str("\n## Flags of several commands\n");
    for (heading, arguments) in &shared {
        write!(text, "\n### {heading}\n\n")?;
        table(&mut text, arguments.iter(), true)?;
    }
    assert_page("cli.md", &text)
}

fn of_command(text: &mut String, command: &Command, shared: &mut Vec<(String, Vec<Arg>)>) -> Result<()> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    write!(text, "\n## tagalong {}\n\n{about}.\n\n```text\n{usage}\n```\n", command.get_name())?;
    let is_shown = |argument: &&Arg| argument.get_id() != "help";
    let (own, grouped): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(is_shown).partition(|argument| argument.get_help_heading().is_none());
    let has_own = !own.is_empty();
    if has_own {
        text.push('\n');
        let reads_settings = command.get_arguments().any(|argument| argument.get_id() == "settings");
        table(text, own.into_iter(), reads_settings)?;
    }
    let mut headings: Vec<String> = Vec::new();
    // A flag of several commands may take other words in one of them.
    let mut others: Vec<String> = Vec::new();
    for argument in grouped {
        let heading = argument.get_help_heading().unwrap_or_default().to_owned();
        if !headings.contains(&heading) {
            headings.push(heading.clone());
        }
        let at = shared.iter().position(|(known, _)| *known == heading).unwrap_or_else(|| {
            shared.push((heading.clone(), Vec::new()));
            shared.len() - 1
        });
        let known = &mut shared[at].1;
        match known.iter().find(|known| known.get_id() == argument.get_id()) {
            None => known.push(argument.clone()),
            Some(known) if words(known) == words(argument) => {}
            Some(_) => others.push(format!("Here {} takes {}", written(argument), words(argument))),
        }
    }
    if !headings.is_empty() {
        let links: Vec<_> =
            headings.iter().map(|heading| format!("[{heading}](#{})", anchor(heading))).collect();
        let and = if has_own { "And the" } else { "The" };
        write!(text, "\n{and} flags of {}.\n", [vec![links.join(", ")], others].concat().join(". "))?;
    }
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for paragraph in after.split("\n\n") {
        match paragraph.strip_prefix("Examples:\n").or_else(|| paragraph.strip_prefix("Example, for bash:\n"))
        {
            Some(examples) => {
                let lines: Vec<_> = examples.lines().map(str::trim_start).collect();
                write!(text, "\n```sh\n{}\n```\n", lines.join("\n"))?;
            }
            None => write!(text, "\n{}\n", paragraph.replace('\n', "  \n"))?,
        }
    }
    Ok(())
}

fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

fn table<'a>(
    text: &mut String,
    arguments: impl Iterator<Item = &'a Arg>,
    reads_settings: bool,
) -> Result<()> {
    text.push_str("| flag | default | meaning |\n|---|---|---|\n");
    for argument in arguments {
        let default: Vec<_> =
            argument.get_default_values().iter().filter_map(|value| value.to_str()).collect();
        // A flag without a value has a default for its own sake.
        let default = match default.first() {
            Some(default) if takes_value(argument) => format!("`{default}`"),
            Some(_) | None => String::new(),
        };
        writeln!(text, "| {} | {default} | {} |", written(argument), meaning(argument, reads_settings))?;
    }
    Ok(())
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

fn written(argument: &Arg) -> String {
    let value = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let value = value.filter(|_| takes_value(argument)).unwrap_or_default();
    if argument.is_positional() {
        return format!("`{value}`");
    }
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let long = argument.get_long().unwrap_or_default();
    format!("{short}`{}`", format!("--{long} {value}").trim_end())
}

/// The words that it takes.
fn words(argument: &Arg) -> String {
    let words = argument.get_possible_values();
    words.iter().map(|value| format!("`{}`", value.get_name())).collect::<Vec<_>>().join(", ")
}

/// What it is for, the words it takes, and where else it can be said.
fn meaning(argument: &Arg, reads_settings: bool) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let words = words(argument);
    let words = if takes_value(argument) && !words.is_empty() { format!(": {words}") } else { String::new() };
    let variable = argument.get_env().map(|name| format!("; variable `{}`", name.to_string_lossy()));
    let long = format!("--{}", argument.get_long().unwrap_or_default());
    let key = KEYS.iter().find(|key| reads_settings && flag(key.path) == Some(long.as_str()));
    let key = key.map(|key| format!("; setting `{}`", key.path));
    [help, words, variable.unwrap_or_default(), key.unwrap_or_default()].concat()
}

#[test]
fn every_flag_of_a_setting_is_there() {
    let mut tagalong = tagalong::cli::command();
    tagalong.build();
    for key in KEYS {
        let Some(flag) = flag(key.path) else { continue };
        let is_there = |command: &Command| {
            command
                .get_arguments()
                .any(|argument| argument.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)))
        };
        assert!(tagalong.get_subcommands().any(is_there), "{flag} of {}", key.path);
    }
}
