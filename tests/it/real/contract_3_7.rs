//! The contract cases on real workers of 3.7: it creates in a state, and has neither PATCH nor `/health`.

use crate::contract::{every_client_case, every_plain_case};
use crate::real::contract::{Release, real};

static RELEASE: Release = Release::new((3, 7), "3.7.2");

every_plain_case!(real, &RELEASE, [#[ignore = "long: two more workers"]]);
every_client_case!(real, &RELEASE, [#[ignore = "long: two more workers"]]);
