"""`recurra bench`: our layers and streams beside their peers on this machine, checked equal before they are timed."""
