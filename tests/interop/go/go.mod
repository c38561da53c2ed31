module copoll.example/interop

go 1.21
