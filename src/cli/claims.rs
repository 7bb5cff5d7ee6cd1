//! Who finds out whose a connector is that nobody declares.
//!
//! Takes the settings, gives what asks the repository for its history and knows the agent's record. Only an agent that runs
//! writes that record: a command that looks once reads it without the agent's lock, for the file is whole at any moment.

use crate::cli::failure::Failure;
use crate::cli::past;
use crate::cli::wiring::{self, Command};
use crate::kept::{RecordKeeper, Whose};
use crate::model::name::EnvironmentName;
use crate::model::policy::Pruned;
use crate::reconcile::claims::Claims;
use crate::repo::Repository;
use crate::settings::checked::Settings;

/// Who finds it out here, for a command.
pub fn claims(
    settings: &Settings,
    environment: &EnvironmentName,
    command: Command,
) -> Result<Claims, Failure> {
    let main = wiring::repository(settings)?;
    let record = record(settings, environment, &main);
    let matters = match settings.prune.who {
        Pruned::Owned => true,
        Pruned::Nobody => false,
    };
    // A reader of its own: a long look at the history does not keep the next poll waiting.
    let claims = Claims::new(Some(main).filter(|main| matters && !main.is_folder()));
    Ok(match command {
        // What is seen today may matter when the settings say otherwise.
        Command::Run => claims.keeping(record),
        Command::Apply | Command::Plan => claims.looking(record.filter(|_| matters)),
    })
}

fn record(settings: &Settings, environment: &EnvironmentName, main: &Repository) -> Option<RecordKeeper> {
    let (folder, source) = (settings.state_dir.as_ref()?, past::source(settings, main)?);
    let whose = Whose { environment, source: &source, connect: settings.connect.url.as_str() };
    Some(RecordKeeper::new(folder, whose))
}
