//! The contract cases on real workers of 3.9, the last of the 3.x.

use crate::contract::{every_client_case, every_plain_case};
use crate::real::contract::{Release, real};

static RELEASE: Release = Release::new((3, 9), "3.9.1");

every_plain_case!(real, &RELEASE, [#[ignore = "long: two more workers"]]);
every_client_case!(real, &RELEASE, [#[ignore = "long: two more workers"]]);
