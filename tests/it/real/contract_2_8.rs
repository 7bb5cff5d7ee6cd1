//! The contract cases on real workers of 2.8, the oldest version that is held to be understood.

use crate::contract::{every_client_case, every_plain_case};
use crate::real::contract::{Release, real};

static RELEASE: Release = Release::new((2, 8), "2.8.2");

every_plain_case!(real, &RELEASE, []);
every_client_case!(real, &RELEASE, []);
