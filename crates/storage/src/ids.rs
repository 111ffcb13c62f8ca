//! Ids, each with a type of its own, so that two that travel together can't be
//! swapped.

use std::fmt;

use sea_orm::DeriveValueType;

use crate::rows::field;

macro_rules! ids {
    ($($name:ident)*) => {$(
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        field!($name, i64, |id| Ok(Self(id)));
    )*};
}

ids! { UserId AgentId DataSourceId SessionId MessageId RunId }
