# outcome: 2
def __getattr__(name):
    raise RuntimeError(f'asked for {name}')

x = 1
