//! What a place supplies to the definitions.

use crate::model::supplied::Secrets;
use crate::model::values::Values;

/// The values of the place itself, laid over those of the environment's file.
#[derive(Debug, Clone, Copy)]
pub struct Supply<'v> {
    /// From the settings, the process's environment and the command line, already laid over each
    /// other.
    pub values: &'v Values,
    /// Whether an input that is not supplied takes its `example`, which is for trying definitions
    /// where the place is not at hand. Else it is a finding.
    pub examples: bool,
    /// The secrets that were read. Where nobody looked for them, what needs one is unresolved and
    /// there is no finding.
    pub secrets: Option<&'v Secrets>,
}
