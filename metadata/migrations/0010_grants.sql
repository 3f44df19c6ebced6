-- Grants are listed by the repositories that they are for.
create index grants_repository on grants (repository, id);
