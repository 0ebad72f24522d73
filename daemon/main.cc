#include "daemon/commands/command.h"

int main(int argc, char** argv) { return stuffwatch::daemon::run_command_line(argc, argv); }
