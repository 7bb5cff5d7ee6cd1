//! The contract cases on real workers of 2.2, as far as they show that it is too old.

use crate::contract::every_case_of_the_refused;
use crate::real::contract::{Release, real};

static RELEASE: Release = Release::new((2, 2), "2.2.2");

every_case_of_the_refused!(real, &RELEASE, [#[ignore = "long: two more workers"]]);
